// The command line as commander knows it: names, options and help. What a command does stands in a module of
// its own that is loaded when the command is run, so that help and refusals come at once.
import { Command, InvalidArgumentError, Option } from 'commander';
import { type KeyUse, keyUses } from '../keys/keyring.ts';
import { clientTypes } from './client-types.ts';
import { keyUseHelp } from './key-uses.ts';
import type { Shell } from './shell.ts';

export interface ProgramOptions {
  readonly version: string;
  /** Told the exit code of a command that ran to its end with another one than 0. */
  readonly exitWith: (code: number) => void;
}

export function createProgram(shell: Shell, options: ProgramOptions): Command {
  const program = new Command('strata')
    .description('An OAuth 2.0 / OpenID Connect authorization server.')
    .version(options.version)
    .exitOverride()
    .addHelpText('after', programHelp);
  program.configureOutput({
    writeOut: (text) => shell.terminal.print(text.trimEnd()),
    writeErr: (text) => shell.terminal.note(text.trimEnd()),
    outputError: (text, write) => write(refusalOf(text)),
  });

  addServe(program, shell, options);
  addMigrate(program, shell);
  addBackup(program, shell);
  addRestore(program, shell);
  addStore(program, shell);
  addAccounts(program, shell);
  addClients(program, shell);
  addKeys(program, shell);
  return program;
}

const programHelp = `
Configuration: one YAML file, named by --config or STRATA_CONFIG; without one, the development profile.
Commands other than serve work on the database itself, also while a server runs on it.

Exit codes:
  0    done
  1    refused or failed; one sentence on standard error says why
  130  a second Ctrl-C ended the server at once (143: a second SIGTERM)

Examples:
  strata serve
  strata accounts create --email ada@example.com --name Ada --generate-password
  strata clients create --name "My shop" --redirect-uri https://shop.example/callback
  strata keys rotate`;

function addServe(program: Command, shell: Shell, { exitWith }: ProgramOptions): void {
  command(program, 'serve')
    .description('run the server until it is told to stop')
    .addHelpText(
      'after',
      `
Ctrl-C or SIGTERM: /readyz turns 503, running requests end within shutdown.grace, then the server stops.
A second one ends it at once.

Examples:
  strata serve                                       development: http://127.0.0.1:3000, data in .data/
  PORT=8080 STRATA_DATA_DIR=/var/tmp/strata strata serve
  strata serve --config /etc/strata/strata.yaml`,
    )
    .action(async ({ config }) => {
      const { serveCommand } = await import('./serve.ts');
      exitWith(await serveCommand(shell, { config }));
    });
}

function addMigrate(program: Command, shell: Shell): void {
  command(program, 'migrate')
    .description('prepare the database for this release; servers of the one before may go on meanwhile')
    .option('--drop-unused', 'drop indexes that this release has no use for')
    .addHelpText(
      'after',
      `
MongoDB: makes the collections and indexes that are missing. Servers refuse to start without them. Run it with
the new release before its first server starts, and with --drop-unused once the last one of the old is gone.
SQLite: every start does this by itself.

Examples:
  strata migrate
  STRATA_STORE_URL=mongodb://127.0.0.1/strata strata migrate`,
    )
    .action(async (options) => {
      const { migrateCommand } = await import('./migrate.ts');
      await migrateCommand(shell, options);
    });
}

function addStore(program: Command, shell: Shell): void {
  const store = program.command('store').description('the database as a whole');

  command(store, 'copy')
    .description('move everything to another database, while servers run on the first')
    .argument(
      '<from>',
      'sqlite:NAME, mongodb://SERVER/DATABASE, env:NAME, or config for the one in the settings',
    )
    .argument('[to]', 'the same for an empty one, or for a copy that was interrupted')
    .option('--rehearse', 'everything but the move itself; writes are never refused')
    .option('--frozen-max <duration>', 'how long writes may be refused at a time', '30s')
    .option('--abandon', 'forget about an unfinished copy of <from>, which takes writes again')
    .option('--json', 'print counts and digests as a JSON array')
    .addHelpText(
      'after',
      `
Copies all records, then what was changed meanwhile, and compares both sides. Then writes are refused (503 with
Retry-After) for as long as the last changes take, and stay refused on <from>: set store.url to <to> and restart.
Run it again to go on after an interruption. docs/moving.md has the whole procedure.

A URL with a password does not belong on the command line: env:NAME takes it from the variable NAME.

Examples:
  strata store copy config env:NEW_STORE --rehearse
  strata store copy config env:NEW_STORE && systemctl restart strata
  strata store copy --abandon config`,
    )
    .action(async (from, to, options) => {
      const { storeCopyCommand } = await import('./store-copy.ts');
      await storeCopyCommand(shell, { ...options, from, to });
    });
}

function addBackup(program: Command, shell: Shell): void {
  command(program, 'backup')
    .description('copy the database as it is now into a file; servers go on meanwhile')
    .argument('<file>', 'the backup; a new file')
    .option('--force', 'replace a file that has that name')
    .addHelpText(
      'after',
      `
SQLite alone; MongoDB has tools of its own. The master secret is not in a backup: keep it apart from them.

Example:
  strata backup /var/backups/strata-$(date +%F).db`,
    )
    .action(async (file, options) => {
      const { backupCommand } = await import('./backup.ts');
      await backupCommand(shell, file, options);
    });
}

function addRestore(program: Command, shell: Shell): void {
  command(program, 'restore')
    .description('bring back the state of a backup, and void what must not be used again')
    .argument('[file]', 'the backup; without one, what other tools have brought back is voided')
    .addOption(
      new Option('--sessions <choice>', 'what becomes of device sessions; asked for unless told').choices([
        'keep',
        'end',
      ]),
    )
    .addHelpText(
      'after',
      `
Stop every server first. The database that is there is kept beside the restored one. Codes, device codes, QR
transactions, pushed requests, tickets, opaque access tokens and sign-ins that have not ended are void; the rest is
as it was when the backup was made: what was ended, locked, withdrawn or changed since is not. The master secret
must be the one of the backup. docs/backup.md tells what comes back.

Examples:
  strata restore /var/backups/strata-2026-01-31.db --sessions keep
  strata restore --sessions end        after mongorestore`,
    )
    .action(async (file, options) => {
      const { restoreCommand } = await import('./restore.ts');
      await restoreCommand(shell, file, options);
    });
}

function addAccounts(program: Command, shell: Shell): void {
  const accounts = program.command('accounts').description('people who sign in');
  const load = () => import('./accounts.ts');

  command(accounts, 'create')
    .description('make an account')
    .requiredOption('--name <name>', 'what pages call the person')
    .option('--email <address>', 'e-mail address to sign in with')
    .option('--email-verified', 'the address is known to be theirs; apps are told so')
    .option('--username <name>', 'name to sign in with')
    .option('--group <name>', 'a group that the account is in; may be repeated', collect)
    .option('--role <name>', 'a role that the account has; may be repeated', collect)
    .option('--generate-password', 'make a password and print it once')
    .option('--password-stdin', 'read the password from standard input, one line')
    .option('--json', 'print the account as JSON')
    .addHelpText(
      'after',
      `
The password is asked for, unless one of the two options says where it comes from. It is never taken from the
command line, which other users of the machine can read.

Examples:
  strata accounts create --email ada@example.com --name Ada
  strata accounts create --username lin --name Lin --role admin --generate-password
  pass show lin | strata accounts create --username lin --name Lin --password-stdin`,
    )
    .action(async ({ group, role, passwordStdin, generatePassword, ...rest }) => {
      const source = { stdin: passwordStdin, generate: generatePassword };
      const { createAccountCommand } = await load();
      await createAccountCommand(shell, { ...rest, ...source, groups: group ?? [], roles: role ?? [] });
    });
  command(accounts, 'list')
    .description('print all accounts')
    .option('--json', 'print a JSON array')
    .action(async (options) => (await load()).listAccountsCommand(shell, options));
  command(accounts, 'lock')
    .description('refuse every further sign-in of an account and end all its sessions at once')
    .argument('<account>', 'account id, e-mail address or user name')
    .option('--ban', 'tell its devices that it was banned, not that an administrator signed it out')
    .option('--reason <words>', 'why, for other operators to read')
    .addHelpText('after', '\nExample:\n  strata accounts lock ada@example.com --ban --reason "sells fakes"')
    .action(async (who, options) => (await load()).lockAccountCommand(shell, who, options));
  command(accounts, 'unlock')
    .description('let an account sign in again; sessions that were ended stay ended')
    .argument('<account>', 'account id, e-mail address or user name')
    .action(async (who, options) => (await load()).unlockAccountCommand(shell, who, options));
}

function addClients(program: Command, shell: Shell): void {
  const clients = program.command('clients').description('apps and services that use this server');
  const load = () => import('./clients.ts');

  command(clients, 'create')
    .description('register a client')
    .requiredOption('--name <name>', 'what people are told it is called')
    .addOption(
      new Option('--type <type>', 'what it is; see below').choices(clientTypes).default(clientTypes[0]),
    )
    .option('--id <client_id>', 'its client_id; made where none is given')
    .option('--redirect-uri <uri>', 'where its users come back to; may be repeated', collect)
    .option('--post-logout-redirect-uri <uri>', 'where they go after sign-out; may be repeated', collect)
    .option('--platform <name>', 'a platform that it may claim; may be repeated', collect)
    .option('--scope <scopes>', "all that it may ask for, separated by blanks; without it, OpenID's own")
    .option('--audience <uri>', 'an API whose tokens it may ask about; may be repeated', collect)
    .option('--first-party', 'one of your own: its users are not asked for consent')
    .option('--json', 'print the registration as JSON')
    .addHelpText(
      'after',
      `
Types:
  web      a web app with a server; keeps a secret
  spa      a web app in the browser alone; no secret
  native   an app on phones or desktops; no secret. Platforms ios and android, unless --platform says others
  device   a TV or a command line: shows a code that is entered on another device. Platform tv
  service  no users: gets tokens for itself (client_credentials). Platform api

A secret is printed once, here. For everything else that a client can have: strata clients import.

Examples:
  strata clients create --name "My shop" --redirect-uri https://shop.example/callback
  strata clients create --name "My app" --type native --platform ios --redirect-uri com.example.app:/callback
  strata clients create --name Reports --type service --scope reports:read`,
    )
    .action(async ({ redirectUri, postLogoutRedirectUri, platform, audience, ...rest }) => {
      const lists = {
        redirectUris: redirectUri ?? [],
        postLogoutRedirectUris: postLogoutRedirectUri ?? [],
        platforms: platform ?? [],
        audiences: audience ?? [],
      };
      await (await load()).createClientCommand(shell, { ...rest, ...lists });
    });
  command(clients, 'list')
    .description('print all clients')
    .option('--json', 'print a JSON array')
    .action(async (options) => (await load()).listClientsCommand(shell, options));
  addImport(clients, shell);
}

function addImport(clients: Command, shell: Shell): void {
  command(clients, 'import')
    .description('register clients from a JSON file: all of them, or none where one is wrong')
    .argument('<file>', 'metadata as in RFC 7591, one object or an array; - for standard input')
    .option('--json', 'print the registrations as a JSON array')
    .addHelpText(
      'after',
      `
Beside the members of RFC 7591: platforms, first_party, require_pkce, browser_session, qr_approve, qr_confirm,
trusted, allowed_origins, audiences. Secrets that the file does not name are made and printed once.

Example (shop.json):
  { "client_name": "My shop", "redirect_uris": ["https://shop.example/callback"],
    "grant_types": ["authorization_code", "refresh_token"], "platforms": ["web"] }

  strata clients import shop.json`,
    )
    .action(async (file, options) => {
      const { importClientsCommand } = await import('./clients.ts');
      await importClientsCommand(shell, file, options);
    });
}

function addKeys(program: Command, shell: Shell): void {
  const keys = program.command('keys').description('keys that sign, seal and number');
  const load = () => import('./keys.ts');

  command(keys, 'list')
    .description('print all keys, without their secret part')
    .option('--use <use>', 'only keys of this use; see below', parseUse)
    .option('--json', 'print a JSON array')
    .addHelpText('after', `\nUses:\n${keyUseHelp()}`)
    .action(async (options) => (await load()).listKeysCommand(shell, options));
  command(keys, 'rotate')
    .description('make a new key; running servers take it up without a restart')
    .option('--use <use>', 'what the key is for; see below', parseUse, 'signing' satisfies KeyUse)
    .addHelpText(
      'after',
      `
Uses:
${keyUseHelp()}

A new signing key is published at once and signs after keys.publishLead; the one before it is published for
keys.retire longer. Keys of other uses come into use after a minute, and those before them go on verifying as
long as anything that they made can live.

Examples:
  strata keys rotate
  strata keys rotate --use refresh`,
    )
    .action(async (options) => (await load()).rotateKeysCommand(shell, options));
  command(keys, 'rotate-master')
    .description('wrap all keys that the previous master secret wraps with the current one')
    .addHelpText(
      'after',
      `
To replace the master secret while servers run:
  1. Give every process the new secret as the current one (STRATA_MASTER_SECRET or its file) and the old one
     as the previous (STRATA_MASTER_SECRET_PREVIOUS or its file), one process after the other.
  2. strata keys rotate-master, with the same settings. It may be repeated at any time.
  3. Take the previous one away from every process.
Rotate no keys between the first process and the last one of step 1.`,
    )
    .action(async (options) => (await load()).rotateMasterCommand(shell, options));
}

function command(parent: Command, name: string): Command {
  return parent.command(name).option('--config <file>', 'YAML file of settings');
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function parseUse(value: string): KeyUse {
  const use = keyUses.find((each) => each === value);
  if (use === undefined) throw new InvalidArgumentError(`Allowed are ${keyUses.join(', ')}.`);
  return use;
}

/** Commander's `error: unknown command 'x'` and its guess on the next line, as one sentence. */
function refusalOf(text: string): string {
  const [words = '', ...more] = text
    .replace(/^error: /, '')
    .trim()
    .split('\n');
  const sentence = `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  return [/[.!?]$/.test(sentence) ? sentence : `${sentence}.`, ...more].join(' ');
}
