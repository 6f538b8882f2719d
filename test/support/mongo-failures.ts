// Failures that a MongoDB server makes on request, to commands of one client alone.
import type { MongoClient } from 'mongodb';
import { onTestFinished, TestRunner } from 'vitest';

export interface ServerFailure {
  readonly times: number | 'always';
  readonly commands: readonly string[];
  /** Of the client that they happen to. */
  readonly appName: string;
  readonly errorCode?: number;
  readonly closeConnection?: boolean;
  /** The command is carried out, and then the server says that this went wrong. */
  readonly writeConcernError?: { readonly code: number; readonly errmsg: string };
}

/** Until the test is finished. Skips the test where the server makes none (`enableTestCommands` is off). */
export async function failing(
  client: MongoClient,
  { times, commands, ...rest }: ServerFailure,
): Promise<void> {
  const mode = times === 'always' ? 'alwaysOn' : { times };
  const admin = client.db('admin');
  const fail = { configureFailPoint: 'failCommand', mode, data: { failCommands: commands, ...rest } };
  const refusal: unknown = await admin.command(fail).then(
    () => undefined,
    (error) => error,
  );
  if (refusal !== undefined)
    TestRunner.getCurrentTest()?.context.skip(`the server fails on no request: ${refusal}`);

  onTestFinished(async () => {
    await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
  });
}
