/** Addresses of the site's built files, from the root of the host. */
export interface AssetPaths {
  readonly script: string;
  readonly stylesheet: string;
  readonly icon: string;
}
