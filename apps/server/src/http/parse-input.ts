import type { FieldError } from '@authpipe/types';
import type { z } from 'zod';
import { Problem } from '../errors/problem.js';
import { faultSentence, NO_SUCH_FIELD, wordFault } from './input-fault.js';

/** RFC 6901: `~` and `/` inside a name are escaped. */
const pointerTo = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** How far a branch is from what was sent; each field that it does not have counts. */
const distanceOf = (issues: readonly z.core.$ZodIssue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);

/** The issues of the best fitting branch of a union, so that the caller is told about the form it meant. */
const flatten = (issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] =>
  issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
    const branches = issue.errors.map((errors) => flatten(errors));
    const closest = branches.reduce((best, branch) =>
      distanceOf(branch) < distanceOf(best) ? branch : best,
    );
    return closest.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  });

const isText = (text: string): boolean => !text.includes('\0') && !/\p{Surrogate}/u.test(text);

/**
 * Where text is that no database keeps as it is: U+0000 is refused, and every lone surrogate becomes the same U+FFFD, so
 * that two ids would turn into one. A name that is no text is told at its parent: it can't be repeated.
 */
const faultsOfText = (value: unknown, path: readonly PropertyKey[]): FieldError[] => {
  const fault = { pointer: pointerTo(path), detail: 'must not hold U+0000 or half of a surrogate pair' };
  if (typeof value === 'string') return isText(value) ? [] : [fault];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    isText(name) ? faultsOfText(inner, [...path, name]) : [fault],
  );
};

const faultsOfForm = (issues: readonly z.core.$ZodIssue[]): FieldError[] =>
  flatten(issues).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          pointer: pointerTo([...issue.path, key]),
          detail: NO_SUCH_FIELD,
        }))
      : [{ pointer: pointerTo(issue.path), detail: issue.message }],
  );

/**
 * Parses a part of a request.
 * @throws Problem `invalid_request` with a pointer and a sentence for each fault. Values are never repeated: a mistyped
 * secret must not come back in an error.
 */
export const parseInput = (schema: z.ZodType, value: unknown, part: 'body' | 'query' | 'path'): unknown => {
  const parsed = schema.safeParse(value, { error: wordFault });
  // The form first: what fits it is no deeper than the schema.
  const errors = parsed.success ? faultsOfText(value, []) : faultsOfForm(parsed.error.issues);
  if (errors.length === 0) return parsed.data;
  throw new Problem('invalid_request', faultSentence(part, errors[0]), { errors });
};
