import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { STATUS_REASONS, statusReason } from '../src/index.js';

const PAGE = join(import.meta.dirname, '..', '..', '..', 'docs', 'health.md');

/** The rows of the page's table of reasons: cells without their padding. */
const rows = readFileSync(PAGE, 'utf8')
  .split('\n')
  .filter((line) => /^\| `[a-z_]+`\s+\|/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  .filter((cells) => cells.length === 5);

describe('the table of reasons', () => {
  it('has every reason that a connection may give', () => {
    expect(Object.keys(STATUS_REASONS).sort()).toEqual([...statusReason.options].sort());
  });

  it('is the one of docs/health.md, in the same order and words', () => {
    expect(rows).toEqual(
      Object.entries(STATUS_REASONS).map(([reason, { meaning, proof, mendedBy, show }]) => [
        `\`${reason}\``,
        meaning,
        proof,
        mendedBy,
        show,
      ]),
    );
  });

  it('never sends people to connect again for what that does not mend', () => {
    for (const [reason, { mendedBy, show }] of Object.entries(STATUS_REASONS)) {
      const asks = /(?:^|\. |then )connect again|enter a new one/i.test(show);
      if (mendedBy === 'developer' || mendedBy === 'time') expect([reason, asks]).toEqual([reason, false]);
      if (mendedBy === 'user') expect([reason, asks]).toEqual([reason, true]);
    }
  });
});
