/** The providers of Authpipe's catalogue, for autocompletion. */
export type CatalogueProviderId = 'auth0' | 'crowdstrike' | 'jumpcloud' | 'okta' | 'snyk';

/** A provider of the catalogue, or any other id: a server may know more than this release does. */
export type ProviderId = CatalogueProviderId | (string & {});
