// Who may import whom. The folders of src are a list: each imports only from those before it, so that the
// domain never learns of the web and one can read the program from the top.

const folders = [
  'core',
  'config',
  'storage',
  'keys',
  'tickets',
  'protection',
  'messages',
  'accounts',
  'clients',
  'sessions',
  'qr',
  'im',
  'grants',
  'oidc',
  'web',
  'admin',
  'operations',
  'cli',
];

/** Folders that stand side by side: neither imports the other. */
const strangers = [
  ['config', 'storage'],
  ['web', 'admin'],
  ['web', 'operations'],
  ['admin', 'operations'],
];

const compositionRoot = '^src/(main|server)\\.ts$';

/** Packages that are confined to a few places. */
const confined = [
  { name: 'oidc-provider', packages: 'oidc-provider', places: '^src/(oidc|grants)/' },
  {
    name: 'koa',
    packages: 'koa|koa-[^/]+|@koa/[^/]+',
    places: `^src/(web|admin|operations|oidc|grants)/|${compositionRoot}`,
  },
  { name: 'mongodb', packages: 'mongodb', places: '^src/storage/mongo/' },
];

module.exports = {
  forbidden: [
    {
      name: 'folder-order',
      severity: 'error',
      comment: 'Every folder of src has its place in the list at the top of this file.',
      from: { path: '^src/[^/]+/', pathNot: `^src/(${folders.join('|')})/` },
      to: {},
    },
    ...folders.slice(0, -1).map((folder, place) => ({
      name: `direction-${folder}`,
      severity: 'error',
      comment: `${folder} imports only from the folders before it.`,
      from: { path: `^src/${folder}/` },
      to: { path: `^src/(${folders.slice(place + 1).join('|')})/` },
    })),
    ...strangers.map(([one, other]) => ({
      name: `strangers-${one}-${other}`,
      severity: 'error',
      from: { path: `^src/${other}/` },
      to: { path: `^src/${one}/` },
    })),
    {
      name: 'composition-root',
      severity: 'error',
      comment: 'Only the commands start the server, and nothing imports main.',
      from: { path: '^src/', pathNot: `^src/cli/|${compositionRoot}` },
      to: { path: compositionRoot },
    },
    {
      name: 'main-is-last',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/main\\.ts$' },
    },
    ...confined.map(({ name, packages, places }) => ({
      name: `confined-${name}`,
      severity: 'error',
      from: { path: '^src/', pathNot: places },
      to: { path: `(^|/)node_modules/(@types/)?(${packages})(/|$)` },
    })),
    {
      name: 'confined-node-sqlite',
      severity: 'error',
      comment: 'Drivers are behind the store, and the rest of the program does not know which there is.',
      from: { path: '^src/', pathNot: '^src/storage/sqlite/' },
      to: { path: '^(node:)?sqlite$' },
    },
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'A circle is one module in disguise; move what both need before them.',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'not-to-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'not-to-dev-dependencies',
      severity: 'error',
      comment: 'They are not there where the package is installed.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: '(^|/)node_modules/@types/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // TypeScript 7 has no API for it; without swc it would see no module at all and find nothing wrong.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
