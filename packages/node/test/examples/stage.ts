import { createTestAuthpipe, type TestAuthpipe, type TestAuthpipeOptions } from '@authpipe/node/testing';

/** The user that the examples are signed in as. */
export const ref = { provider: 'okta', tenantId: 'org_acme', userId: 'user_123' } as const;

/** A directory in place of a real one, which takes the credentials that are not in `refused`. */
export interface Stage extends TestAuthpipe {
  readonly calls: string[];
  readonly refused: Set<string>;
}

export const createStage = (options: TestAuthpipeOptions = {}): Stage => {
  const calls: string[] = [];
  const refused = new Set<string>();
  const providerFetch: typeof fetch = async (input, init) => {
    const credential = new Headers(init?.headers).get('authorization')?.replace('Bearer ', '') ?? '';
    calls.push(`${String(input)} ${credential}`);
    return refused.has(credential)
      ? new Response('{}', { status: 401 })
      : Response.json([{ id: '00u1' }, { id: '00u2' }]);
  };
  return { ...createTestAuthpipe({ ...options, providerFetch }), calls, refused };
};
