import { describe, expect, it } from '@jest/globals';
import { type ConfigField, findProvider, parseConfig } from '../src/index.js';

const okta = findProvider('okta')!;
const snyk = findProvider('snyk')!;

const note: ConfigField = {
  kind: 'text',
  label: 'Note',
  description: 'Anything.',
  example: 'x',
  required: false,
  parse: (value) => ({ ok: true, value: value.trim() }),
};

describe('settings', () => {
  it('are brought to the form that is stored', () => {
    expect(parseConfig(okta, { domain: ' ACME.okta.com. ' })).toEqual({
      ok: true,
      config: { domain: 'acme.okta.com' },
    });
  });

  it('say what to type instead', () => {
    expect(parseConfig(okta, { domain: 'acme-admin.okta.com' })).toEqual({
      ok: false,
      errors: [{ field: 'domain', error: expect.stringMatching(/-admin/), suggestion: 'acme.okta.com' }],
    });
  });

  it.each([[{}], [{ domain: '' }], [{ domain: '   ' }]])('that are required must be there: %j', (input) => {
    expect(parseConfig(okta, input)).toEqual({
      ok: false,
      errors: [{ field: 'domain', error: expect.stringMatching(/missing.*acme\.okta\.com/) }],
    });
  });

  it('that the provider does not know are errors, and the known ones are named', () => {
    expect(parseConfig(okta, { domain: 'acme.okta.com', domian: 'x' })).toEqual({
      ok: false,
      errors: [{ field: 'domian', error: expect.stringMatching(/"domian".*domain/) }],
    });
    expect(parseConfig({ name: 'Acme', config: {} }, { x: '1' })).toMatchObject({
      errors: [{ error: expect.stringMatching(/none at all/) }],
    });
  });

  it('with the names of object members are unknown too', () => {
    const input = JSON.parse('{"domain":"acme.okta.com","__proto__":"x","constructor":"x"}');
    const parsed = parseConfig(okta, input);
    expect(parsed).toMatchObject({ errors: [{ field: '__proto__' }, { field: 'constructor' }] });
  });

  it('report every fault at once', () => {
    const parsed = parseConfig(okta, { domain: '10.0.0.1', other: 'x' });
    expect(parsed.ok ? [] : parsed.errors.map(({ field }) => field).sort()).toEqual(['domain', 'other']);
  });

  it('that are optional and empty are left out', () => {
    const definition = { name: 'Acme', config: { note } };
    expect(parseConfig(definition, { note: '  ' })).toEqual({ ok: true, config: {} });
    expect(parseConfig(definition, {})).toEqual({ ok: true, config: {} });
    expect(parseConfig(definition, { note: ' hi ' })).toEqual({ ok: true, config: { note: 'hi' } });
  });
});

describe('a loopback host', () => {
  it.each([
    ['localhost:4601', 'localhost:4601'],
    [' LOCALHOST:4601 ', 'localhost:4601'],
    ['127.0.0.1:4601', '127.0.0.1:4601'],
    ['[::1]:4601', '[::1]:4601'],
  ])('%j is taken for a host in development', (domain, stored) => {
    expect(parseConfig(okta, { domain }, { allowLoopback: true })).toEqual({
      ok: true,
      config: { domain: stored },
    });
  });

  it.each(['localhost', 'localhost:4601', 'org.localhost', '127.0.0.1:4601', '[::1]:4601'])(
    '%j is refused everywhere else',
    (domain) => {
      expect(parseConfig(okta, { domain }).ok).toBe(false);
      expect(parseConfig(okta, { domain }, { allowLoopback: false }).ok).toBe(false);
    },
  );

  it.each([
    'http://localhost:4601',
    'localhost:4601/x',
    'localhost:4601@evil.net',
    '10.0.0.1:4601',
    'a.local',
  ])('%j is none, and refused in development too', (domain) =>
    expect(parseConfig(okta, { domain }, { allowLoopback: true }).ok).toBe(false),
  );

  it('is refused for a field that is no host', () => {
    expect(parseConfig(snyk, { region: 'localhost:4601' }, { allowLoopback: true }).ok).toBe(false);
  });

  it('does not loosen anything else in development', () => {
    expect(parseConfig(okta, { domain: 'acme.okta.com' }, { allowLoopback: true })).toEqual({
      ok: true,
      config: { domain: 'acme.okta.com' },
    });
  });
});
