import { DEFAULT_LABEL } from '@authpipe/types';
import type { LooseRef } from './credential-ref.js';

/** Where a ref lives in the index: which fields it has, then their values. Two refs never share a path. */
export type RefPath = readonly [shape: string, ...ids: string[]];

/** The path of a ref by owner, or `undefined` where it does not name exactly one owner. */
export const pathOfRef = (ref: LooseRef): RefPath | undefined => {
  const { provider, integration, tenantId, userId, owner, label } = ref;
  const hasOneOwner = userId === undefined ? owner === 'tenant' : owner === undefined;
  if (tenantId === undefined || !hasOneOwner) return undefined;
  // The shape fixes how many ids follow and what each means, so that no value can pass for another.
  const target = [provider, integration].filter((id) => id !== undefined);
  const owned = userId === undefined ? [tenantId] : [tenantId, userId];
  const labelled = label === undefined || label === DEFAULT_LABEL ? [] : [label];
  const shape = [
    provider === undefined ? '' : 'provider',
    integration === undefined ? '' : 'integration',
    userId === undefined ? 'tenant' : 'user',
    labelled.length === 0 ? '' : 'label',
  ].join('|');
  return [shape, ...target, ...owned, ...labelled];
};

/** What most calls give: a provider, a tenant and a user. */
const COMMON_SHAPE = 'provider||user|';

class Branch<T> {
  children: Map<string, Branch<T>> | undefined;
  value: T | undefined;

  /** The branch one step below, made if need be. */
  grow(step: string): Branch<T> {
    this.children ??= new Map();
    let next = this.children.get(step);
    if (next === undefined) {
      next = new Branch();
      this.children.set(step, next);
    }
    return next;
  }

  /** Drops a branch that holds nothing any more. */
  prune(step: string): void {
    this.children?.delete(step);
    if (this.children?.size === 0) this.children = undefined;
  }
}

/** Finds values by ref through nested maps: no key is built, so nothing can collide and a look-up allocates nothing. */
export class OwnerIndex<T> {
  readonly #root = new Branch<T>();
  readonly #common = this.#root.grow(COMMON_SHAPE);

  /** The value of a ref; `undefined` also for a ref that is not valid, as only valid ones are ever set. */
  find(ref: LooseRef): T | undefined {
    if (ref.integration !== undefined || ref.owner !== undefined) return this.#findAny(ref);
    if (ref.label !== undefined && ref.label !== DEFAULT_LABEL) return this.#findAny(ref);
    return this.#common.children
      ?.get(ref.provider as string)
      ?.children?.get(ref.tenantId as string)
      ?.children?.get(ref.userId as string)?.value;
  }

  /** The value at a path. */
  get(path: RefPath): T | undefined {
    let branch: Branch<T> | undefined = this.#root;
    for (const step of path) branch = branch?.children?.get(step);
    return branch?.value;
  }

  /** Sets the value at a path; the ref must have been checked. */
  set(path: RefPath, value: T): void {
    let branch = this.#root;
    for (const step of path) branch = branch.grow(step);
    branch.value = value;
  }

  /** Removes the value at a path, and the branches that held nothing else. */
  delete(path: RefPath): void {
    const branches: Branch<T>[] = [this.#root];
    for (const step of path) {
      const next = branches.at(-1)?.children?.get(step);
      if (next === undefined) return;
      branches.push(next);
    }
    const leaf = branches.at(-1);
    if (leaf !== undefined) leaf.value = undefined;
    for (let depth = path.length; depth > 0; depth -= 1) {
      const branch = branches[depth];
      const step = path[depth - 1];
      if (branch === undefined || step === undefined || branch === this.#common) return;
      if (branch.value !== undefined || branch.children !== undefined) return;
      branches[depth - 1]?.prune(step);
    }
  }

  #findAny(ref: LooseRef): T | undefined {
    const path = pathOfRef(ref);
    return path === undefined ? undefined : this.get(path);
  }
}
