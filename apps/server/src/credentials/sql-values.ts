/** Collects the values of a statement and gives each its placeholder, so that the two never drift apart. */
export interface SqlValues {
  /** Adds a value; answers `$n`, cast where a type is named. */
  bind(
    value: unknown,
    type?: 'text' | 'text[]' | 'int' | 'timestamptz' | 'jsonb' | 'bytea' | 'boolean',
  ): string;
  readonly values: readonly unknown[];
}

/** An empty collection, for one statement. */
export const sqlValues = (): SqlValues => {
  const values: unknown[] = [];
  return {
    values,
    bind: (value, type) => {
      values.push(type === 'jsonb' && value !== null ? JSON.stringify(value) : value);
      return `$${values.length}${type ? `::${type}` : ''}`;
    },
  };
};
