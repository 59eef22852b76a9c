import { describe, expect, it } from '@jest/globals';
import {
  connectSessionRequest,
  credentialRef,
  importConnectionRequest,
  OWNER_RULE,
  type ParsedCredentialRef,
} from '../src/index.js';

const place = { provider: 'okta', tenantId: 'org_acme' };

const ownerSchemas = [
  ['a look-up', credentialRef, {}],
  ['a connect session', connectSessionRequest, {}],
  ['an import', importConnectionRequest, { credential: { apiKey: 'key' } }],
] as const;

describe.each(ownerSchemas)('the owner of %s', (_name, schema, more) => {
  const body = { ...(schema === connectSessionRequest ? { tenantId: 'org_acme' } : place), ...more };

  it('is a user or the tenant', () => {
    expect(schema.safeParse({ ...body, userId: 'user_123' }).success).toBe(true);
    expect(schema.safeParse({ ...body, owner: 'tenant' }).success).toBe(true);
  });

  it.each([
    ['missing', {}],
    ['an undefined user', { userId: undefined }],
    ['an empty user', { userId: '' }],
    ['a null user', { userId: null }],
    ['white space', { userId: ' ' }],
    ['both', { userId: 'user_123', owner: 'tenant' }],
    ['another word', { owner: 'user' }],
    ['an empty word', { owner: '' }],
  ])('can not be %s', (_case, owner) => {
    expect(schema.safeParse({ ...body, ...owner }).success).toBe(false);
  });

  it('is told to the caller in one sentence when it is missing', () => {
    const issues = JSON.stringify(schema.safeParse(body).error?.issues);
    expect(issues).toContain(JSON.stringify(OWNER_RULE).slice(1, -1).replaceAll('"', '\\"').slice(0, 20));
  });

  it('gets the label "default" unless one is given', () => {
    const parsed = schema.parse({ ...body, userId: 'user_123' }) as ParsedCredentialRef;
    expect(parsed).toMatchObject({ label: 'default' });
  });
});

describe('a look-up', () => {
  it('by connection id takes nothing beside it', () => {
    expect(credentialRef.safeParse({ connectionId: 'conn_1' }).success).toBe(true);
    expect(credentialRef.safeParse({ connectionId: '' }).success).toBe(false);
    expect(credentialRef.safeParse({ connectionId: 'conn_1', tenantId: 'org_acme' }).success).toBe(false);
    expect(credentialRef.safeParse({ connectionId: 'conn_1', ...place, userId: 'user_123' }).success).toBe(
      false,
    );
  });

  it('names a provider or an integration', () => {
    const owner = { tenantId: 'org_acme', userId: 'user_123' };
    expect(credentialRef.safeParse(owner).success).toBe(false);
    expect(credentialRef.safeParse({ ...owner, provider: 'okta' }).success).toBe(true);
    expect(credentialRef.safeParse({ ...owner, integration: 'okta-eu' }).success).toBe(true);
  });

  it('with a misspelt field is refused rather than half understood', () => {
    expect(credentialRef.safeParse({ ...place, userId: 'user_123', lable: 'work' }).success).toBe(false);
  });
});

describe('an import', () => {
  const body = { ...place, userId: 'user_123' };
  it.each([
    [{ accessToken: 'a', refreshToken: 'r', expiresAt: '2026-01-01T00:00:00Z', scopes: ['s'] }],
    [{ apiKey: 'k' }],
    [{ username: 'u', password: '' }],
    [{ webhookSecret: 'w' }],
  ])('takes %j', (credential) => {
    expect(importConnectionRequest.safeParse({ ...body, credential }).success).toBe(true);
  });

  it.each([
    [{}],
    [{ accessToken: '' }],
    [{ accessToken: 'a', apiKey: 'k' }],
    [{ username: 'u' }],
    [{ accessToken: 'a', expiresAt: 'tomorrow' }],
  ])('does not take %j', (credential) => {
    expect(importConnectionRequest.safeParse({ ...body, credential }).success).toBe(false);
  });
});
