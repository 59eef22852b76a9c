/** A host, or an integration, whose connections fail together; `isOfRenewal`: their tokens work, and are not renewed. */
export type Place = ({ readonly host: string } | { readonly integrationRowId: string }) & {
  readonly isOfRenewal: boolean;
};

const RENEWAL = 'renewal ';

/** `host:https://acme.okta.com`, `integration:int_…`, `renewal host:…`, `renewal integration:…` */
export const placeKey = (place: Place): string => {
  const key = 'host' in place ? `host:${place.host}` : `integration:${place.integrationRowId}`;
  return place.isOfRenewal ? `${RENEWAL}${key}` : key;
};

/** What a key says. */
export const parsePlaceKey = (
  key: string,
): { readonly kind: 'host' | 'integration'; readonly id: string; readonly isOfRenewal: boolean } => {
  const isOfRenewal = key.startsWith(RENEWAL);
  const bare = isOfRenewal ? key.slice(RENEWAL.length) : key;
  const kind = bare.startsWith('host:') ? 'host' : 'integration';
  return { kind, id: bare.slice(kind.length + 1), isOfRenewal };
};

/** The same host or integration, of the other matter. */
export const twinKey = (key: string): string =>
  key.startsWith(RENEWAL) ? key.slice(RENEWAL.length) : `${RENEWAL}${key}`;
