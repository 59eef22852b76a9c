import { credentialRef } from '@authpipe/types';
import { describe, expect, it } from '@jest/globals';
import type { Request } from 'express';
import { z } from 'zod';
import { createQueryParser } from '../src/http/query-parser.js';

/** A request as Express hands it on: the query is read from the URL when it is asked for. */
const requestFor = (url: string): Request => {
  const query = Object.fromEntries(new URL(url, 'http://localhost').searchParams);
  return { url, query } as unknown as Request;
};

describe('the parser of queries', () => {
  it('gives each text its own answer, also when it comes again', () => {
    const parse = createQueryParser(credentialRef);
    const ada = '/credentials?provider=okta&tenantId=org_acme&userId=ada';
    const eve = '/credentials?provider=okta&tenantId=org_acme&userId=eve';
    for (const [url, userId] of [
      [ada, 'ada'],
      [eve, 'eve'],
      [ada, 'ada'],
    ] as const) {
      expect(parse(requestFor(url))).toMatchObject({ userId, label: 'default' });
    }
    expect(parse(requestFor(ada))).toBe(parse(requestFor(ada)));
  });

  it('refuses what is wrong each time, naming the field', () => {
    const parse = createQueryParser(credentialRef);
    const url = '/credentials?provider=okta&tenantId=&userId=ada';
    for (let time = 0; time < 2; time += 1) {
      expect(() => parse(requestFor(url))).toThrow('/tenantId');
    }
  });

  it('gives what nobody can change for those who ask later', () => {
    const parse = createQueryParser(credentialRef);
    const query = parse(requestFor('/credentials?connectionId=conn_1')) as { connectionId: string };
    expect(() => {
      query.connectionId = 'conn_2';
    }).toThrow(TypeError);
  });

  it('takes a path without a query, and keeps no long one', () => {
    const parse = createQueryParser(z.object({ filter: z.string().default('all') }));
    expect(parse(requestFor('/connections'))).toEqual({ filter: 'all' });
    const long = `/connections?filter=${'x'.repeat(600)}`;
    expect(parse(requestFor(long))).toEqual(parse(requestFor(long)));
    expect(parse(requestFor(long))).not.toBe(parse(requestFor(long)));
  });
});
