// `strata clients …`: the apps that sign their users in here, and the services that call APIs.
import type { ClientMetadata, ClientRecord } from '../clients/client.ts';
import type { RegisteredClient } from '../clients/client-registry.ts';
import { type JudgedClient, judgeDocument, readDocuments } from './client-document.ts';
import { type ClientType, clientPresets, isRedirected } from './client-types.ts';
import { CommandError } from './failure.ts';
import { type Listing, pagesOf, printListing, timeText } from './listing.ts';
import type { Shell } from './shell.ts';
import { type ConfigOption, configOf, inWorkspace, type Workspace } from './workspace.ts';

export interface CreateClientOptions extends ConfigOption {
  readonly name: string;
  readonly type: ClientType;
  readonly id?: string | undefined;
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  readonly platforms: readonly string[];
  readonly scope?: string | undefined;
  readonly audiences: readonly string[];
  readonly firstParty?: boolean | undefined;
  readonly json?: boolean | undefined;
}

export async function createClientCommand(shell: Shell, options: CreateClientOptions): Promise<void> {
  refuseRedirects(options);
  await inWorkspace(shell, { config: configOf(shell, options), database: 'new' }, async (workspace) => {
    const [registered] = await registerAll(workspace, [metadataOf(options)]);
    if (!registered) return;
    if (options.json) shell.terminal.print(JSON.stringify(publicClient(registered)));
    else printRegistered(shell, registered, registered.secret);
  });
}

/** All of the file or nothing: half an import would leave the operator to find out which half. */
export async function importClientsCommand(
  shell: Shell,
  file: string,
  options: ConfigOption & { json?: boolean | undefined },
): Promise<void> {
  const documents = await readDocuments(shell, file);
  await inWorkspace(shell, { config: configOf(shell, options), database: 'new' }, async (workspace) => {
    const registered = await registerAll(workspace, documents);
    if (options.json) {
      shell.terminal.print(JSON.stringify(registered.map(publicClient)));
      return;
    }
    for (const each of registered) printRegistered(shell, each, secretToShow(each, documents));
    shell.terminal.print(`${registered.length} of ${documents.length} clients registered.`);
  });
}

export async function listClientsCommand(
  shell: Shell,
  options: ConfigOption & { json?: boolean | undefined },
): Promise<void> {
  await inWorkspace(shell, { config: configOf(shell, options), database: 'there' }, async ({ clients }) => {
    const pages = pagesOf((after) => clients.list(after));
    await printListing(shell.terminal, pages, { listing, json: options.json });
  });
}

/** Registers the documents in one commit, or says what is wrong with each and registers none. */
async function registerAll(
  { clients, config }: Workspace,
  documents: readonly unknown[],
): Promise<readonly RegisteredClient[]> {
  const { clientRules } = await import('../oidc/client-rules.ts');
  const deps = { clients, platforms: config.platforms, rules: clientRules(config.issuer) };
  const judged = await Promise.all(documents.map((each, index) => judgeDocument(deps, each, index + 1)));
  const accepted = judged.flatMap((each) => ('metadata' in each ? [each.metadata] : []));
  if (accepted.length < judged.length) throw new CommandError(refusal(judged));

  return clients.createAll(accepted);
}

function refusal(judged: readonly JudgedClient[]): string {
  const lines = judged.flatMap((each) =>
    'metadata' in each
      ? [`${each.label}: nothing is wrong with it`]
      : each.complaints.map((complaint) => `${each.label}: ${complaint}`),
  );
  return [...lines, 'Nothing was registered.'].join('\n');
}

function refuseRedirects({ type, redirectUris }: CreateClientOptions): void {
  if (isRedirected(type) && redirectUris.length === 0) {
    throw new CommandError(`A client of type ${type} needs --redirect-uri: where its users come back to.`);
  }
  if (!isRedirected(type) && redirectUris.length > 0) {
    throw new CommandError(`A client of type ${type} is never redirected to: leave --redirect-uri out.`);
  }
}

function metadataOf(options: CreateClientOptions): ClientMetadata {
  const { type, id, scope, redirectUris, postLogoutRedirectUris, audiences } = options;
  return {
    ...(id !== undefined && { client_id: id }),
    client_name: options.name,
    ...clientPresets[type],
    ...(options.platforms.length > 0 && { platforms: [...options.platforms] }),
    ...(redirectUris.length > 0 && { redirect_uris: [...redirectUris] }),
    ...(postLogoutRedirectUris.length > 0 && { post_logout_redirect_uris: [...postLogoutRedirectUris] }),
    ...(audiences.length > 0 && { audiences: [...audiences] }),
    ...(scope !== undefined && { scope }),
    ...(options.firstParty && { first_party: true }),
  };
}

function printRegistered(shell: Shell, { client }: RegisteredClient, secret: string | undefined): void {
  shell.terminal.print(`Registered ${client.metadata.client_name ?? client.id}`);
  shell.terminal.print(`  client_id      ${client.id}`);
  if (secret !== undefined) shell.terminal.print(`  client_secret  ${secret}   shown now and never again`);
}

/** A secret that the file itself names is no news to whoever wrote it. */
function secretToShow({ secret }: RegisteredClient, documents: readonly unknown[]): string | undefined {
  const isFromFile = documents.some(
    (document) => (document as Pick<ClientMetadata, 'client_secret'>).client_secret === secret,
  );
  return isFromFile ? undefined : secret;
}

const listing: Listing<ClientRecord> = {
  none: 'There are no clients yet. Register one: strata clients create --help',
  columns: {
    CLIENT_ID: ({ id }) => id,
    NAME: ({ metadata }) => metadata.client_name ?? '',
    AUTHENTICATION: ({ metadata }) => metadata.token_endpoint_auth_method ?? 'client_secret_basic',
    GRANTS: ({ metadata }) => (metadata.grant_types ?? []).map(shortGrant).join(','),
    PLATFORMS: ({ metadata }) => (metadata.platforms ?? []).join(','),
    MARKS: marksOf,
    CREATED: ({ createdAt }) => timeText(createdAt),
  },
  json: (client) => publicClient({ client }),
};

/** `urn:ietf:params:oauth:grant-type:device_code` → `device_code`. */
function shortGrant(name: string): string {
  return name.replace(/^urn:.*:/, '');
}

function marksOf({ metadata, disabled }: ClientRecord): string {
  const marks = [
    disabled && 'disabled',
    metadata.first_party && 'first-party',
    metadata.qr_approve && 'may-approve-qr',
    metadata.require_pkce === false && 'no-pkce',
  ];
  return marks.filter((mark) => typeof mark === 'string').join(',');
}

/** As RFC 7591 §3.2.1 answers a registration. The secret is there once, right after it was made. */
function publicClient({ client, secret }: { client: ClientRecord; secret?: string | undefined }): object {
  return {
    client_id: client.id,
    ...(secret !== undefined && { client_secret: secret }),
    client_id_issued_at: Math.floor(client.createdAt / 1000),
    ...client.metadata,
    ...(client.disabled && { disabled: true }),
  };
}
