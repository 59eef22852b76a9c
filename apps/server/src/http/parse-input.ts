import type { FieldError } from '@authpipe/types';
import type { z } from 'zod';
import { Problem } from '../errors/problem.js';

/** RFC 6901: `~` and `/` inside a name are escaped. */
const pointerTo = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** The issues of the best fitting branch of a union, so that the caller is told about the form it meant. */
const flatten = (issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] =>
  issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
    const branches = issue.errors.map((errors) => flatten(errors));
    const closest = branches.reduce((best, branch) => (branch.length < best.length ? branch : best));
    return closest.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  });

/**
 * Parses a part of a request.
 * @throws Problem `invalid_request` with a pointer and a sentence for each fault. Values are never repeated: a mistyped
 * secret must not come back in an error.
 */
export const parseInput = (schema: z.ZodType, value: unknown, part: 'body' | 'query' | 'path'): unknown => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors: FieldError[] = flatten(parsed.error.issues).map((issue) => ({
    pointer: pointerTo(issue.path),
    detail:
      issue.code === 'unrecognized_keys'
        ? `has no field ${issue.keys.map((key) => `"${key}"`).join(', ')}`
        : issue.message,
  }));
  const [first] = errors;
  const where = first?.pointer ? `${part} field ${first.pointer}` : part;
  throw new Problem('invalid_request', `The ${where} is not valid: ${first?.detail ?? 'see errors'}.`, {
    errors,
  });
};
