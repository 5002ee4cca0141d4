import { type ApplicationView, describeDestination } from '@latchkey/pages';
import type { Client, DurableStorage } from '@latchkey/storage';

export interface AskingApplication {
  client: Client;
  view: ApplicationView;
}

/** A client as a person sees it; undefined when it is gone or disabled. */
export async function findApplication(
  durable: Pick<DurableStorage, 'clients' | 'organizations'>,
  clientId: string,
  redirectUri?: string,
): Promise<AskingApplication | undefined> {
  const client = await durable.clients.find(clientId);
  if (!client || client.disabledAt) return undefined;
  const owner = client.organizationId ? await durable.organizations.find(client.organizationId) : undefined;
  const { metadata } = client;
  return {
    client,
    view: {
      name: metadata.client_name || client.id,
      host: verifiedHost(redirectUri),
      logoUrl: isImageUrl(metadata.logo_uri) ? metadata.logo_uri : undefined,
      ownerName: owner?.name,
      homepageUrl: metadata.client_uri,
      privacyUrl: metadata.policy_uri,
      termsUrl: metadata.tos_uri,
    },
  };
}

/** The redirect URI is the one address of an application that was checked. */
function verifiedHost(redirectUri: string | undefined): string | undefined {
  const destination = redirectUri === undefined ? undefined : describeDestination(redirectUri);
  return destination?.kind === 'web' ? destination.host : undefined;
}

function isImageUrl(url: string | undefined): boolean {
  const protocol = url === undefined ? undefined : URL.parse(url)?.protocol;
  return protocol === 'https:' || protocol === 'http:';
}

/** What a page about this application must be allowed beyond our own origin. */
export function pageSources(
  view: ApplicationView | undefined,
  returnUri: string | undefined,
): { formAction: string[]; imgSrc: string[] } {
  return {
    formAction: returnUri === undefined ? [] : [sourceOf(returnUri)],
    imgSrc: view?.logoUrl ? [sourceOf(view.logoUrl)] : [],
  };
}

/**
 * The narrowest source expression that covers a URL (CSP3 §2.3.1). A scheme of a native application has no origin;
 * a host that the grammar cannot say (an IPv6 literal), or that would say more than a host (`;`), is covered by
 * its scheme.
 */
export function sourceOf(url: string): string {
  const { protocol, origin, host } = new URL(url);
  const isWeb = protocol === 'https:' || protocol === 'http:';
  return isWeb && /^[a-z0-9.-]+(:\d+)?$/.test(host) ? origin : protocol;
}
