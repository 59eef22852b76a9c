import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Octokit } from 'octokit';
import { Stage } from './stage.js';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.set();
  stage.hold({ baseUrl: `${stage.api.origin}/api/v3`, scopes: ['repo'] });
});
afterEach(() => stage.clear());

const octokit = (more: ConstructorParameters<typeof Octokit>[0] = {}): Octokit =>
  new Octokit({
    baseUrl: `${stage.api.origin}/api/v3`,
    request: { fetch: stage.client().fetchFor(stage.ref) },
    // What it would wait before trying again is real time.
    retry: { enabled: false },
    throttle: { enabled: false },
    ...more,
  });

describe('Octokit, given authpipe.fetchFor(ref) as its fetch,', () => {
  it('calls the API with the connection’s credential', async () => {
    stage.api.answer = () => ({ json: { login: 'ada' } });
    const { data } = await octokit().rest.users.getAuthenticated();
    expect(data.login).toBe('ada');
    expect(stage.api.calls[0]).toMatchObject({ method: 'GET', path: '/api/v3/user' });
    expect(stage.api.sent('authorization')).toEqual(['Bearer secret-1']);
  });

  it('never sends a token of its own', async () => {
    await octokit({ auth: 'placeholder' }).rest.users.getAuthenticated();
    expect(stage.api.sent('authorization')).toEqual(['Bearer secret-1']);
  });

  it('reads page after page', async () => {
    stage.api.answer = (_call, nth) => ({
      json: [{ id: nth }],
      headers: nth < 3 ? { link: `<${stage.api.origin}/api/v3/user/repos?page=${nth + 1}>; rel="next"` } : {},
    });
    const client = octokit();
    const repos = await client.paginate(client.rest.repos.listForAuthenticatedUser);
    expect(repos.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(stage.api.sent('authorization')).toEqual(Array(3).fill('Bearer secret-1'));
  });

  it('does not notice that a token was replaced', async () => {
    stage.onReport = () => {
      stage.hold({ credential: 'secret-2', version: 2, baseUrl: `${stage.api.origin}/api/v3` });
      return undefined;
    };
    stage.api.answer = ({ headers }) =>
      headers.authorization === 'Bearer secret-2'
        ? { status: 201, json: { number: 7 } }
        : { status: 401, json: {} };
    const { data } = await octokit().rest.issues.create({ owner: 'acme', repo: 'site', title: 'Hello' });
    expect(data.number).toBe(7);
    expect(stage.api.calls.map(({ body }) => JSON.parse(body))).toEqual(Array(2).fill({ title: 'Hello' }));
    expect(stage.reports).toEqual([{ status: 401, version: 1 }]);
  });

  it('gives the typed error as the cause of its own', async () => {
    stage.api.answer = () => ({
      status: 403,
      json: {},
      headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="repo admin:org"' },
    });
    await expect(octokit().rest.orgs.get({ org: 'acme' })).rejects.toMatchObject({
      cause: { code: 'insufficient_scope', missingScopes: ['admin:org'] },
    });
  });

  it('is kept from another host', async () => {
    await expect(octokit().request('GET https://api.example.com/user')).rejects.toMatchObject({
      cause: { code: 'invalid_request' },
    });
    expect(stage.api.calls).toEqual([]);
  });
});
