import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Problem } from '../src/errors/problem.js';
import { parseInput } from '../src/http/parse-input.js';

const faults = (schema: z.ZodType, value: unknown) => {
  try {
    parseInput(schema, value, 'body');
  } catch (error) {
    if (error instanceof Problem) return error.details.errors;
    throw error;
  }
  return [];
};

describe('what is wrong with a request', () => {
  it.each<[string, z.ZodType, unknown, string]>([
    ['is not there', z.string(), undefined, 'is required'],
    ['is of another type', z.string(), 7, 'must be a string'],
    ['is no object', z.object({}), [], 'must be an object'],
    ['is no number', z.coerce.number(), 'x', 'must be a number'],
    ['is a fraction', z.int(), 1.5, 'must be a whole number'],
    ['is none of a few', z.enum(['a', 'b']), 'planted', 'must be one of "a", "b"'],
    ['is not the one', z.literal(1), 2, 'must be 1'],
    ['is none of a few numbers', z.literal([401, 403]), 500, 'must be one of 401, 403'],
    ['is empty', z.string().min(1), '', 'must not be empty'],
    ['is too long', z.string().max(2), 'planted', 'must have at most 2 characters'],
    ['is a short list', z.array(z.string()).min(1), [], 'must have at least 1 item'],
    ['is too large', z.number().max(3), 5, 'must be at most 3'],
    ['is no time', z.iso.datetime(), 'yesterday', 'must be a time in UTC, such as 2026-11-25T09:30:00Z'],
    ['has words of its own', z.string().regex(/^a/, 'must begin with a'), 'planted', 'must begin with a'],
  ])('is told in words where a field %s', (_what, schema, value, detail) => {
    expect(faults(z.object({ field: schema }), { field: value })).toEqual([{ pointer: '/field', detail }]);
  });

  it.each([
    [{ label: 7 }, 'The body field /label is not valid: must be a string.'],
    [{ labl: 'main' }, 'This request takes no body field /labl: check its name and place.'],
    [[], 'The body is not valid: must be an object.'],
  ])('is one whole sentence of %j', (value, sentence) => {
    const schema = z.strictObject({ label: z.string().optional() });
    expect(() => parseInput(schema, value, 'body')).toThrow(new Problem('invalid_request', sentence));
  });

  it('points at the field that nobody knows', () => {
    expect(faults(z.strictObject({ a: z.strictObject({}) }), { a: { 'b/c': 1 }, d: 2 })).toEqual(
      expect.arrayContaining([
        { pointer: '/a/b~1c', detail: 'is no field of this request' },
        { pointer: '/d', detail: 'is no field of this request' },
      ]),
    );
  });
});
