// The command line: argv → command. The only module that knows the process it runs in.
import { serve } from './cli/serve.ts';

export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [command = 'serve'] = argv;
  if (command !== 'serve') return 1;
  return serve({ env, cwd: process.cwd() });
}
