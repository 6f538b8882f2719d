// Client metadata as operators hand it in: the documents of RFC 7591 in a JSON file, one or many. Everything
// that is wrong with any of them is found before the first is registered.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ClientMetadata, clientMetadata } from '../clients/client.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import { type Fault, faultsOf, pathText, sentenceOf } from '../config/complaints.ts';
import type { PlatformTable } from '../config/platforms.ts';
import { CommandError } from './failure.ts';
import type { Shell } from './shell.ts';

/** Clients in one file: what one commit of the store holds. */
const CLIENTS_MAX = 500;
const BYTES_MAX = 10_485_760;

export type JudgedClient =
  | { readonly label: string; readonly metadata: ClientMetadata }
  | { readonly label: string; readonly complaints: readonly string[] };

/** The JSON values in a file, or on standard input where it is `-`. */
export async function readDocuments(shell: Shell, file: string): Promise<readonly unknown[]> {
  const text = file === '-' ? await shell.terminal.readInput(BYTES_MAX) : readText(resolve(shell.cwd, file));
  const name = file === '-' ? 'Standard input' : file;
  const value = parseJson(name, text);
  const documents: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (documents.length === 0) throw new CommandError(`${name} holds no client.`);
  if (documents.length > CLIENTS_MAX) {
    throw new CommandError(`${name} holds ${documents.length} clients; ${CLIENTS_MAX} are the most at once.`);
  }
  return documents;
}

export interface JudgingDeps {
  readonly clients: Pick<ClientRegistry, 'find'>;
  readonly platforms: PlatformTable;
  /** What the protocol engine finds wrong. */
  readonly rules: (metadata: ClientMetadata) => string | undefined;
}

/** `place` is the document's in its file, counted from 1. */
export async function judgeDocument(
  deps: JudgingDeps,
  document: unknown,
  place: number,
): Promise<JudgedClient> {
  const label = labelOf(document, place);
  const parsed = clientMetadata.safeParse(document, { error: sentenceOf });
  if (!parsed.success) return { label, complaints: faultsOf(parsed.error).map(faultText) };

  const metadata = parsed.data;
  const complaints = [
    ...platformComplaints(metadata, deps.platforms),
    ...redirectComplaints(metadata),
    ...(await idComplaints(deps, metadata)),
    ...[deps.rules(metadata)].filter((complaint) => complaint !== undefined),
  ];
  return complaints.length > 0 ? { label, complaints } : { label, metadata };
}

function faultText({ at, message }: Fault): string {
  return at.length === 0 ? 'must be a JSON object' : `${pathText(at)} ${message}`;
}

async function idComplaints({ clients }: JudgingDeps, { client_id: id }: ClientMetadata): Promise<string[]> {
  const isTaken = id !== undefined && (await clients.find(id)) !== undefined;
  return isTaken ? [`client_id ${id} is registered already`] : [];
}

function platformComplaints({ platforms = [] }: ClientMetadata, table: PlatformTable): string[] {
  return platforms
    .filter((name) => table[name] === undefined)
    .map((name) => `platforms names ${name}; this server knows ${Object.keys(table).join(', ')}`);
}

/** RFC 7591 §2: without grant_types, a client has the one that redirects. */
function redirectComplaints({ grant_types: grants, redirect_uris: uris = [] }: ClientMetadata): string[] {
  const isRedirected = grants?.includes('authorization_code') ?? true;
  if (!isRedirected || uris.length > 0) return [];
  return ['redirect_uris is missing; only grant_types without authorization_code does without'];
}

/** What the client is called, or which of the file it is. */
function labelOf(document: unknown, place: number): string {
  const { client_id: id, client_name: name } = (document ?? {}) as Record<string, unknown>;
  const known = [id, name].find((each) => typeof each === 'string' && each !== '');
  return known === undefined ? `client ${place}` : `client ${place} (${known})`;
}

function readText(path: string): string {
  const text = readFileSync(path, 'utf8');
  if (text.length > BYTES_MAX) throw new CommandError(`${path} is longer than ${BYTES_MAX} bytes.`);
  return text;
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    const why = (cause as SyntaxError).message.replaceAll(/\s+/g, ' ');
    throw new CommandError(`${name} is no valid JSON: ${why}.`, { cause });
  }
}
