// One Jest over every package, on TypeScript sources: nothing needs building first.
const transform = {
  '^.+\\.tsx?$': [
    '@swc/jest',
    {
      jsc: {
        target: 'es2023',
        parser: { syntax: 'typescript', tsx: true },
        transform: { react: { runtime: 'automatic' } },
      },
      module: { type: 'es6' },
    },
  ],
};

const project = (folder, more = {}) => ({
  displayName: folder.split('/').at(-1),
  rootDir: `${import.meta.dirname}/${folder}`,
  testMatch: ['<rootDir>/test/**/*.test.{ts,tsx}'],
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testEnvironment: 'node',
  // The workspace's own export condition: packages resolve to their sources.
  testEnvironmentOptions: { customExportConditions: ['authpipe:source', 'node', 'node-addons'] },
  transform,
  ...more,
});

// The React package is tested twice, on each React that it supports: the second time every `react` is React 18.
const browserLike = {
  testEnvironment: 'jest-fixed-jsdom',
  testEnvironmentOptions: { customExportConditions: ['authpipe:source', 'browser'] },
};
const reactProjects = [
  project('packages/react', { ...browserLike, globals: { REACT_MAJOR: '19' } }),
  project('packages/react', {
    ...browserLike,
    displayName: 'react-18',
    testMatch: ['<rootDir>/test/**/*.test.tsx'],
    globals: { REACT_MAJOR: '18' },
    moduleNameMapper: {
      '^(\\.{1,2}/.*)\\.js$': '$1',
      '^(react|react-dom)$': '<rootDir>/node_modules/$1-18',
      '^(react|react-dom)/(.*)$': '<rootDir>/node_modules/$1-18/$2',
    },
  }),
];

export default {
  projects: [
    project('packages/types'),
    project('packages/providers'),
    project('packages/node'),
    ...reactProjects,
    project('apps/server'),
    project('apps/web'),
    project('apps/demo'),
  ],
  // A bound on what hangs, not on speed: whole demos start in hooks, on busy machines too.
  testTimeout: 240_000,
  maxWorkers: 2,
};
