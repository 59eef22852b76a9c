import type { Request } from 'express';
import { LRUCache } from 'lru-cache';
import type { z } from 'zod';
import { parseInput } from './parse-input.js';

/** Queries in use at one time; one that falls out is parsed again. */
const MAX_KEPT = 5_000;
/** Longer ones are parsed each time, so that what is kept stays small whoever asks. */
const MAX_KEPT_CHARACTERS = 512;

const textOf = ({ url }: Request): string => {
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
};

/**
 * Parses the query of requests. The same text is parsed once: a product asks for the same credentials again and again, and
 * parsing costs as much as opening one. What is answered is frozen, since it is answered again.
 * @returns a function that throws Problem `invalid_request` as `parseInput` does
 */
export const createQueryParser = (schema: z.ZodType): ((request: Request) => unknown) => {
  const kept = new LRUCache<string, { readonly query: unknown }>({ max: MAX_KEPT });
  return (request) => {
    const text = textOf(request);
    const known = kept.get(text);
    if (known) return known.query;
    const query = Object.freeze(parseInput(schema, request.query, 'query'));
    if (text.length <= MAX_KEPT_CHARACTERS) kept.set(text, { query });
    return query;
  };
};
