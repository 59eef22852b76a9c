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

/** Maps in maps, as deep as the shape's path is long; the innermost hold the values. */
type Level<T> = Map<string, Level<T> | T>;

/** Finds values by ref through nested maps: no key is built, so nothing can collide and a look-up allocates nothing. */
export class OwnerIndex<T extends object> {
  readonly #root = new Map<string, Level<T>>();
  readonly #common = new Map<string, Map<string, Map<string, T>>>();

  constructor() {
    this.#root.set(COMMON_SHAPE, this.#common as Level<T>);
  }

  /** The value of a ref; `undefined` also for a ref that is not valid, as only valid ones are ever set. */
  find(ref: LooseRef): T | undefined {
    if (ref.integration !== undefined || ref.owner !== undefined) return this.#findAny(ref);
    if (ref.label !== undefined && ref.label !== DEFAULT_LABEL) return this.#findAny(ref);
    return this.#common
      .get(ref.provider as string)
      ?.get(ref.tenantId as string)
      ?.get(ref.userId as string);
  }

  /** The value at a path. */
  get(path: RefPath): T | undefined {
    return this.#levels(path)
      ?.at(-1)
      ?.get(path.at(-1) ?? '') as T | undefined;
  }

  /** Sets the value at a path; the ref must have been checked. */
  set(path: RefPath, value: T): void {
    let level = this.#root as Level<T>;
    for (const step of path.slice(0, -1)) {
      let next = level.get(step) as Level<T> | undefined;
      if (next === undefined) {
        next = new Map();
        level.set(step, next);
      }
      level = next;
    }
    level.set(path.at(-1) ?? '', value);
  }

  /** Removes the value at a path, and the maps that held nothing else. */
  delete(path: RefPath): void {
    const levels = this.#levels(path);
    if (levels === undefined) return;
    // The maps of shapes stay: they are few, and one is held by name.
    for (let depth = path.length - 1; depth > 0; depth -= 1) {
      levels[depth]?.delete(path[depth] ?? '');
      if ((levels[depth]?.size ?? 0) > 0) return;
    }
  }

  /** The map for each step of a path, outermost first, or `undefined` where one is missing. */
  #levels(path: RefPath): Level<T>[] | undefined {
    const levels = [this.#root as Level<T>];
    for (const step of path.slice(0, -1)) {
      const next = levels.at(-1)?.get(step) as Level<T> | undefined;
      if (next === undefined) return undefined;
      levels.push(next);
    }
    return levels;
  }

  #findAny(ref: LooseRef): T | undefined {
    const path = pathOfRef(ref);
    return path === undefined ? undefined : this.get(path);
  }
}
