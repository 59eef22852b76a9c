/** Something that must be in no place it was not given to. */
export interface Secret {
  /** For the report: the value itself is not shown again. */
  readonly name: string;
  readonly value: string;
}

/** A text that is searched, and where it is from. */
export interface Place {
  readonly name: string;
  /** Bytes as latin1, so that they can be searched as text. */
  readonly text: string;
}

/** The ways in which a value can lie in a text: as it is, as JSON or a URL writes it, as bytes in hex or base64. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  // Inside longer base64 the value starts at any of three bits; the ends are mixed with their neighbours.
  const shifted = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return encoded.slice(before === 0 ? 0 : before + 1, -2);
  });
  const forms = [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...shifted,
    ...shifted.map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...new Set(forms)];
}

/** Where which secrets lie, a line each: `name of the secret in name of the place`. Empty when none does. */
export function findSecrets(secrets: readonly Secret[], places: readonly Place[]): string[] {
  const wanted = secrets.map(({ name, value }) => {
    if (value.length < 12) throw new Error(`${name} is too short to be searched for.`);
    return { name, forms: formsOf(value) };
  });
  return places.flatMap((place) =>
    wanted
      .filter(({ forms }) => forms.some((form) => place.text.includes(form)))
      .map(({ name }) => `${name} in ${place.name}`),
  );
}
