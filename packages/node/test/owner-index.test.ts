import { describe, expect, it } from '@jest/globals';
import type { LooseRef } from '../src/credential-ref.js';
import { OwnerIndex, pathOfRef, type RefPath } from '../src/owner-index.js';

const path = (ref: LooseRef): RefPath => {
  const found = pathOfRef(ref);
  if (found === undefined) throw new Error('The ref is not valid.');
  return found;
};

/** Refs of every shape over ids that try to look like each other. */
const everyRef = (): LooseRef[] => {
  const ids = ['a', 'b', 'a:b', 'a|b', '["a"]', 'tenant', 'default', 'user', '__proto__'];
  const refs: LooseRef[] = [];
  for (const one of ids) {
    for (const other of ids) {
      for (const third of ids) {
        refs.push({ provider: one, tenantId: other, userId: third });
        refs.push({ integration: one, tenantId: other, userId: third });
        refs.push({
          provider: one,
          tenantId: other,
          owner: 'tenant',
          label: third === 'default' ? 'other' : third,
        });
        refs.push({ provider: one, integration: other, tenantId: third, owner: 'tenant' });
        refs.push({ provider: one, integration: other, tenantId: third, userId: 'a' });
        refs.push({
          provider: 'a',
          tenantId: one,
          userId: other,
          label: third === 'default' ? 'other' : third,
        });
      }
    }
    refs.push(
      { provider: one, tenantId: 'a', owner: 'tenant' },
      { integration: one, tenantId: 'a', owner: 'tenant' },
    );
  }
  return [...new Map(refs.map((ref) => [JSON.stringify(ref), ref])).values()];
};

describe('the index of owners', () => {
  it('keeps every ref apart from every other, whatever their ids hold', () => {
    const index = new OwnerIndex<{ ref: LooseRef }>();
    const refs = everyRef();
    for (const ref of refs) index.set(path(ref), { ref });
    expect(refs.length).toBeGreaterThan(3_000);
    for (const ref of refs) expect(index.find(ref)?.ref).toBe(ref);
    expect(new Set(refs.map((ref) => JSON.stringify(path(ref)))).size).toBe(refs.length);
  });

  it('forgets one ref without touching the others', () => {
    const index = new OwnerIndex<{ ref: LooseRef }>();
    const refs = everyRef();
    for (const ref of refs) index.set(path(ref), { ref });
    for (const [turn, ref] of refs.entries()) if (turn % 2 === 0) index.delete(path(ref));
    for (const [turn, ref] of refs.entries())
      expect(index.find(ref)?.ref).toBe(turn % 2 === 0 ? undefined : ref);
  });

  it('can be filled again after everything was forgotten', () => {
    const index = new OwnerIndex<{ ref: LooseRef }>();
    const ref = { provider: 'okta', tenantId: 'org_acme', userId: 'user_1' };
    index.set(path(ref), { ref });
    index.delete(path(ref));
    index.delete(path(ref));
    index.set(path(ref), { ref });
    expect(index.find(ref)).toEqual({ ref });
  });

  it('never finds the tenant’s own for a user, nor a user’s for the tenant', () => {
    const index = new OwnerIndex<{ owner: string }>();
    const common = { provider: 'okta', tenantId: 'org_acme' };
    index.set(path({ ...common, owner: 'tenant' }), { owner: 'tenant' });
    expect(index.find({ ...common, userId: 'user_1' })).toBeUndefined();
    expect(index.find({ ...common, userId: '' })).toBeUndefined();
    expect(index.find(common)).toBeUndefined();
    expect(index.find({ ...common, owner: 'tenant', userId: 'user_1' })).toBeUndefined();
    index.set(path({ ...common, userId: 'user_1' }), { owner: 'user_1' });
    expect(index.find({ ...common, owner: 'everybody', userId: 'user_1' })).toBeUndefined();
    expect(index.find({ ...common, owner: 'tenant' })).toEqual({ owner: 'tenant' });
  });
});
