// `strata keys …`: what signs, seals and numbers. A running server takes a rotated key into use by itself.
import type { Key, Keyring, KeyUse } from '../keys/keyring.ts';
import { keyUses } from '../keys/keyring.ts';
import { rotationSchedule } from '../keys/rotation.ts';
import { publicKeyId } from '../keys/signing-key.ts';
import { type Listing, printListing, timeText } from './listing.ts';
import type { Shell } from './shell.ts';
import { type ConfigOption, configOf, inWorkspace, type Workspace } from './workspace.ts';

export async function listKeysCommand(
  shell: Shell,
  options: ConfigOption & { use?: KeyUse | undefined; json?: boolean | undefined },
): Promise<void> {
  await inWorkspace(
    shell,
    { config: configOf(shell, options), database: 'there' },
    async ({ clock, keyring }) => {
      const uses = options.use === undefined ? keyUses : [options.use];
      const items = uses.flatMap((use) =>
        keyring.all(use).map((key) => ({ key, state: stateOf(keyring, key) })),
      );
      await printListing(shell.terminal, once(items), { listing, json: options.json });
      if (!options.json) shell.terminal.note(`Times are UTC; it is ${timeText(clock.now())}.`);
    },
  );
}

export async function rotateKeysCommand(
  shell: Shell,
  options: ConfigOption & { use: KeyUse },
): Promise<void> {
  await inWorkspace(shell, { config: configOf(shell, options), database: 'there' }, async (workspace) => {
    const { use } = options;
    const before = workspace.keyring.current(use);
    const key = await rotateKeys(workspace, use);
    const old = workspace.keyring.find(use, before.kid);
    const kept = old?.retiredAt === undefined ? 'without an end' : `until ${timeText(old.retiredAt)}`;
    shell.terminal.print(`Key ${use} ${key.kid} is in use from ${timeText(key.activeAt)} on.`);
    shell.terminal.print(`Key ${use} ${before.kid} still verifies, ${kept}.`);
    shell.terminal.note('Running servers take it up at once, or within 30 seconds; none needs a restart.');
  });
}

export async function rotateMasterCommand(shell: Shell, options: ConfigOption): Promise<void> {
  await inWorkspace(
    shell,
    { config: configOf(shell, options), database: 'there' },
    async ({ config, rewrapKeys }) => {
      const { rewrapped, total, master } = await rewrapKeys();
      const isReplacing = config.previousMasterSecret !== undefined;
      shell.terminal.print(
        rewrapped === 0
          ? `All ${total} keys are wrapped by the master secret ${master} already.`
          : `Wrapped ${rewrapped} of ${total} keys anew: all are wrapped by the master secret ${master} now.`,
      );
      shell.terminal.note(
        isReplacing
          ? 'Remove the previous master secret from the settings of every process.'
          : 'No previous master secret is set, so none is being replaced: see docs/keys.md.',
      );
    },
  );
}

export async function rotateKeys({ keyring, config }: Pick<Workspace, 'keyring' | 'config'>, use: KeyUse) {
  return keyring.rotate(use, rotationSchedule(use, config));
}

interface KeyItem {
  key: Key;
  state: KeyState;
}

/** `next`: known but not used yet. `verifies`: its successor is in use. */
type KeyState = 'next' | 'in use' | 'verifies';

function stateOf(keyring: Keyring, key: Key): KeyState {
  const current = keyring.current(key.use);
  if (key.kid === current.kid) return 'in use';
  return Number(key.kid) > Number(current.kid) ? 'next' : 'verifies';
}

const listing: Listing<KeyItem> = {
  none: 'There are no keys.',
  columns: {
    USE: ({ key }) => key.use,
    KEY: ({ key }) => key.kid,
    STATE: ({ state }) => state,
    CREATED: ({ key }) => timeText(key.createdAt),
    'IN USE FROM': ({ key }) => timeText(key.activeAt),
    'VERIFIES UNTIL': ({ key }) => timeText(key.retiredAt),
    'WRAPPED BY': ({ key }) => key.master,
    'KID IN JWKS': ({ key }) => (key.use === 'signing' ? publicKeyId(key) : ''),
  },
  json: ({ key, state }) => ({
    use: key.use,
    key: key.kid,
    state: state.replace(' ', '_'),
    created_at: timeText(key.createdAt),
    in_use_from: timeText(key.activeAt),
    ...(key.retiredAt !== undefined && { verifies_until: timeText(key.retiredAt) }),
    wrapped_by: key.master,
    ...(key.use === 'signing' && { kid: publicKeyId(key) }),
  }),
};

async function* once<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  yield items;
}
