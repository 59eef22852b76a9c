/** The fields of a control call, from JSON or from a form. Each reader throws `RangeError` that names the field. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(body: unknown) {
    this.#values = typeof body === 'object' && body !== null ? { ...body } : {};
  }

  text(name: string): string {
    const text = this.optionalText(name);
    if (text === undefined) throw new RangeError(`${name} is missing.`);
    return text;
  }

  /** An empty field of a form counts as left out. */
  optionalText(name: string): string | undefined {
    const value = this.#values[name];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string') throw new RangeError(`${name} must be text.`);
    return value;
  }

  number(name: string): number {
    const number = this.optionalNumber(name);
    if (number === undefined) throw new RangeError(`${name} is missing.`);
    return number;
  }

  /** Forms send digits. */
  optionalNumber(name: string): number | undefined {
    const value = this.#values[name];
    if (value === undefined || value === null || value === '') return undefined;
    const number = typeof value === 'string' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isFinite(number))
      throw new RangeError(`${name} must be a number.`);
    return number;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = allowed.find((one) => one === this.#values[name]);
    if (value === undefined) throw new RangeError(`${name} must be one of ${allowed.join(', ')}.`);
    return value;
  }

  isTrue(name: string): boolean {
    return this.#values[name] === true || this.#values[name] === 'true';
  }
}
