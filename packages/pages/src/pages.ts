import { describeApi } from './api-reference/describe.ts';
import { type Asset, createAssets } from './assets.ts';
import { safeHref } from './href.ts';
import type { PageData, PageName } from './page-data.ts';
import { createTemplates } from './templates.ts';
import { describeWait } from './wait.ts';

export interface PagesOptions {
  /** A deployer's own templates, strongest first; ours fill what they leave out. */
  templateDirs?: readonly string[];
  /** URL path under which the service answers with `assets`, for example `/assets`. */
  assetsPath: string;
  productName: string;
}

export interface Pages {
  /** A whole HTML document. */
  render<Name extends PageName>(name: Name, data: PageData[Name]): string;
  /** By URL path; send each with `ASSET_CACHE_CONTROL`. */
  assets: ReadonlyMap<string, Asset>;
}

export function createPages({ templateDirs = [], assetsPath, productName }: PagesOptions): Pages {
  const templates = createTemplates(templateDirs);
  const { byPath, urls } = createAssets(assetsPath, templateDirs);
  const shell = { productName, assets: urls, href: safeHref, wait: describeWait, monogram, describeApi };
  return {
    render: (name, data) => templates.render(`@${name}`, { ...data, shell }),
    assets: byPath,
  };
}

/** First letter or digit of a name, for applications without a logo. */
function monogram(name: string): string {
  return (/[\p{L}\p{N}]/u.exec(name)?.[0] ?? '?').toUpperCase();
}
