// The rule of rooms: imports go down only. See docs/architecture.md.
const SERVER = '^apps/server/src';
const room = (...names) => `${SERVER}/(${names.join('|')})/`;
const ground = ['config', 'errors', 'log'];
const first = ['vault', 'db', 'metrics'];
const second = ['credentials', 'integrations', 'access', 'oauth', 'deployment', 'outages'];
const third = ['audit', 'connect', 'refresh', 'health', 'events', 'disconnect', 'webhooks'];
const fourth = ['http', 'jobs', 'cli'];

/** No room of one level imports another of the same level. */
const neighbours = (names) =>
  names.map((name) => ({
    name: `${name}-keeps-to-itself`,
    comment:
      'Rooms on one level do not know each other: declare the function you need, and let compose.ts join them.',
    severity: 'error',
    from: { path: room(name) },
    to: { path: room(...names.filter((other) => other !== name)) },
  }));

const above = (names, higher) => ({
  name: `${names[0]}-level-looks-down`,
  comment: 'Imports go down only.',
  severity: 'error',
  from: { path: room(...names) },
  to: { path: `${room(...higher)}|${SERVER}/(main|serve|compose[a-z-]*|foundation)\\.ts$` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    above(ground, [...first, ...second, ...third, ...fourth]),
    above(first, [...second, ...third, ...fourth]),
    above(second, [...third, ...fourth]),
    above(third, fourth),
    ...neighbours(second),
    ...neighbours(third),
    ...neighbours(fourth),
    {
      name: 'plaintext-has-few-doors',
      comment: 'Only stores open the vault; compose.ts and serve.ts build it.',
      severity: 'error',
      from: { path: SERVER, pathNot: `${SERVER}/(vault/|compose[a-z-]*\\.ts|serve\\.ts)|-store\\.ts$` },
      to: { path: room('vault'), dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'oauth-knows-provider-types-only',
      severity: 'error',
      from: { path: room('oauth') },
      to: { path: room('vault', 'db') },
    },
    {
      name: 'types-stand-alone',
      severity: 'error',
      from: { path: '^packages/types/src' },
      to: { path: '^(packages/(?!types)|apps)/|^node:' },
    },
    {
      name: 'providers-stand-alone',
      severity: 'error',
      from: { path: '^packages/providers/src' },
      to: { path: '^(packages/(?!providers)|apps)/|^node:' },
    },
    {
      name: 'packages-know-no-app',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^apps/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|/generated/' },
    exclude: { path: '/dist/|/node_modules/|/generated/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['authpipe:source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
