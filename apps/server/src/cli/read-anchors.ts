import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Anchor } from '../audit/check-anchor.js';
import { StartError } from '../errors/start-error.js';

const anchor = z.object({
  environment: z.string(),
  // Lines of before had an empty one for the product's own chain.
  tenantId: z
    .string()
    .nullable()
    .transform((tenantId) => tenantId ?? ''),
  position: z.int(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

/** An anchor as a line of `authpipe audit heads`. */
export const lineOfAnchor = ({ tenantId, ...head }: Anchor): string =>
  JSON.stringify({ ...head, tenantId: tenantId === '' ? null : tenantId });

/**
 * Anchors of a file of such lines.
 * @throws StartError when it holds others
 */
export const readAnchors = (path: string): Anchor[] => {
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    return lines.filter((line) => line.trim() !== '').map((line) => anchor.parse(JSON.parse(line)));
  } catch (error) {
    throw new StartError(`${path} holds no lines of \`authpipe audit heads\`: name another file.`, {
      cause: error,
    });
  }
};
