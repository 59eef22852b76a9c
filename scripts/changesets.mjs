// Part of `npm run lint`: each changeset can be read, and is of packages that are published. A formatter that rewrites front
// matter makes them unreadable, which else shows on the day of a release.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseChangesetFile } from '@changesets/parse';

const root = join(import.meta.dirname, '..');
const folder = join(root, '.changeset');
const packages = ['apps', 'packages'].flatMap((parent) =>
  readdirSync(join(root, parent)).map((name) =>
    JSON.parse(readFileSync(join(root, parent, name, 'package.json'), 'utf8')),
  ),
);
const published = new Set(packages.filter((manifest) => manifest.private !== true).map(({ name }) => name));

/** What is wrong with a changeset; nothing, when it is well. */
const faultsOf = (file) => {
  try {
    const { releases, summary } = parseChangesetFile(readFileSync(join(folder, file), 'utf8'));
    const unknown = releases
      .filter(({ name }) => !published.has(name))
      .map(({ name }) => `${name} is not published`);
    return [
      ...unknown,
      ...(releases.length > 0 ? [] : ['it names no package']),
      ...(summary ? [] : ['it says nothing']),
    ];
  } catch (error) {
    return [error.message];
  }
};

const found = readdirSync(folder)
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
  .flatMap((file) => faultsOf(file).map((fault) => `.changeset/${file}: ${fault}`));
if (found.length > 0) {
  console.error(`Changesets that would not be released:\n${found.join('\n')}`);
  process.exit(1);
}
