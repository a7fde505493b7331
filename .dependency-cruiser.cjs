// Who may import whom. Type-only imports count too: what a package can name, it can come to depend on.
const TABLE = {
  protocol: [],
  crypto: ['protocol'],
  storage: ['protocol'],
  transport: ['protocol'],
  'storage-indexeddb': ['storage', 'protocol'],
  'storage-sqlite': ['storage', 'protocol'],
  client: ['protocol', 'crypto', 'storage', 'transport'],
  react: ['client'],
  server: ['protocol', 'crypto'],
  'server-adapters': ['server', 'protocol', 'storage-sqlite'],
  'server-node': ['server', 'server-adapters', 'protocol'],
  testing: ['client', 'server', 'storage', 'transport', 'protocol', 'crypto'],
}

/** Everything that a package is built from, itself included. */
const closure = (name, seen = new Set()) => {
  if (seen.has(name)) return seen
  seen.add(name)
  for (const next of TABLE[name]) closure(next, seen)
  return seen
}

const any = (names) => `(${names.join('|')})`
const layer = ([name, allowed]) => {
  const forbid = (from, targets, suffix) => ({
    name: `layers: ${name}${suffix}`,
    severity: 'error',
    comment: `${name} may import ${allowed.join(', ') || 'no other package'}`,
    from: { path: from },
    to: { path: '^(packages|examples|bench)/', pathNot: `^packages/${any([name, ...targets])}/` },
  })
  // A package's tests may use `testing` where that makes no cycle between packages, the real databases of `test-servers`, which is built from none of ours,
  // and the server's packages the attacks of `server-testing`.
  const testTargets = [
    ...(closure('testing').has(name) ? allowed : [...allowed, 'testing']),
    'test-servers',
    ...(name.startsWith('server') ? ['server-testing'] : []),
  ]
  return [forbid(`^packages/${name}/src/`, allowed, ''), forbid(`^packages/${name}/(?!src/)`, testTargets, ' (tests)')]
}

module.exports = {
  forbidden: [
    ...Object.entries(TABLE).flatMap(layer),
    {
      name: 'nobody imports integration or examples',
      severity: 'error',
      from: { path: '^(packages|examples|bench)/([^/]+)/' },
      to: { path: '^(packages/integration|examples/[^/]+|bench)/', pathNot: '^$1/$2/' },
    },
    {
      name: 'test-servers and server-testing are for tests',
      severity: 'error',
      from: { path: '^(packages|examples)/(?!integration|test-servers|server-testing)[^/]+/src/' },
      to: { path: '^packages/(test-servers|server-testing)/' },
    },
    {
      name: 'contents are for the client',
      severity: 'error',
      comment: 'What is inside the encryption is never known to the layers below and beside it.',
      from: { path: '^packages/(crypto|storage|storage-indexeddb|storage-sqlite|transport|server|server-adapters|server-node)/' },
      to: { path: '^packages/protocol/src/content/' },
    },
    {
      name: 'the server reaches no contents',
      severity: 'error',
      comment: 'Not through any detour either: the relay cannot read messages.',
      from: { path: '^packages/(server|server-adapters|server-node)/src/' },
      to: { path: '^packages/protocol/src/content/', reachable: true },
    },
    {
      name: 'the server verifies, it does not decrypt',
      severity: 'error',
      from: { path: '^packages/server/' },
      to: { path: '^packages/crypto/', pathNot: '^packages/crypto/src/(signatures|discovery/server|franking/server)/index\\.ts$' },
    },
    {
      name: 'the server reaches no ratchet',
      severity: 'error',
      from: { path: '^packages/(server|server-adapters|server-node)/src/' },
      to: { path: '^packages/crypto/src/(handshake|ratchet|session)/', reachable: true },
    },
    {
      name: 'adapters use the SQLite driver only',
      severity: 'error',
      from: { path: '^packages/server-adapters/src/' },
      to: { path: '^packages/storage-sqlite/', pathNot: '^packages/storage-sqlite/src/driver/index\\.ts$' },
    },
    {
      name: 'the web app uses public packages',
      severity: 'error',
      from: { path: '^examples/web/src/' },
      to: {
        path: '^packages/',
        pathNot: ['^packages/(react|client|crypto|storage|storage-indexeddb|transport)/src/index[.]ts$', '^packages/[^/]+/src/[^/]+/index[.]ts$'],
      },
    },
    {
      name: 'cryptographic libraries behind the provider',
      severity: 'error',
      from: { path: '^(packages|examples)/', pathNot: '^packages/crypto/(src/primitives|test)/' },
      to: { path: 'node_modules/(libsodium|@noble/|@scure/)' },
    },
    { name: 'no cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'declared dependencies',
      severity: 'error',
      comment: 'A package that is imported and not in package.json works here by luck only.',
      from: { path: '^(packages|examples)/[^/]+/src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no development dependencies in source',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '^packages/integration/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm-peer'] },
    },
    {
      name: 'source imports no tests',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: '^packages/[^/]+/test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.cache)/' },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@securechat/source', 'import', 'require', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types', 'typings'],
      extensions: ['.ts', '.tsx', '.d.ts', '.mjs', '.js', '.cjs', '.json'],
    },
  },
}
