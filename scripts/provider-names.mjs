// Part of `npm run lint`: shared code never names a provider. A quirk belongs into the provider's definition.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const searched = ['apps/server/src', 'packages/node/src', 'packages/react/src', 'packages/types/src'];
const ids = readdirSync(join(root, 'packages/providers/src'))
  .map((file) => /^([a-z0-9]+)\.ts$/.exec(file)?.[1])
  .filter((id) => id && !['index', 'definition', 'catalogue'].includes(id));
const comparison = /(provider|integration)(Id)?\s*(===|!==|==|!=)\s*['"`]|case\s+['"`](\w+)['"`]\s*:/;
const named = new RegExp(`['"\`](${ids.join('|')})['"\`]`);

const found = searched.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('generated'))
    .flatMap((file) =>
      readFileSync(join(root, folder, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => {
          const code = line.replace(/\/\/.*|^\s*\*.*|\/\*.*\*\//, '');
          const isNamed = named.test(code) && comparison.test(code);
          return isNamed ? [`${relative(root, join(root, folder, file))}:${index + 1}: ${line.trim()}`] : [];
        }),
    ),
);
if (found.length > 0) {
  console.error(`A provider is named in shared code; say it in its definition instead:\n${found.join('\n')}`);
  process.exit(1);
}
