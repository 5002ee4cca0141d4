import type { OpenApiDocument } from './api-reference/openapi.ts';

/** Where a form posts to and what it carries unseen (the anti-forgery token among it). */
export interface FormTarget {
  action: string;
  fields: { name: string; value: string }[];
}

/** A client as a person sees it. Every text here is chosen by the application's owner: never trusted. */
export interface ApplicationView {
  name: string;
  /** Host of its homepage or redirect URI, the one part of its identity that was checked. */
  host?: string | undefined;
  /** Its origin must be in the answer's `img-src`; without a logo a monogram is drawn. */
  logoUrl?: string | undefined;
  ownerName?: string | undefined;
  homepageUrl?: string | undefined;
  privacyUrl?: string | undefined;
  termsUrl?: string | undefined;
}

export interface PageLink {
  label: string;
  href: string;
}

export interface CommonData {
  /** BCP 47; `en` when absent. */
  lang?: string | undefined;
  requestId?: string | undefined;
}

/** Posts `email` and `password`. */
export interface SignInData extends CommonData {
  application: ApplicationView;
  form: FormTarget;
  /** Returns to the application with `access_denied`. */
  cancel?: FormTarget | undefined;
  /** What was typed before, or the request's `login_hint`. */
  email?: string | undefined;
  error?: string | undefined;
  throttled?: { retryAfterSeconds: number } | undefined;
}

export interface ScopeView {
  name: string;
  description: string;
  /** Marked on the page: the scope lets the application change something. */
  canChange: boolean;
}

/** `loopback` and `app` redirects end on the person's own computer (RFC 8252 §7.1, §7.3). */
export type Destination =
  | { kind: 'web'; host: string }
  | { kind: 'loopback' }
  | { kind: 'app'; scheme: string };

/** Posts `decision` (`allow` or `deny`) and, when there is a choice, `organization` (an id). */
export interface ConsentData extends CommonData {
  application: ApplicationView;
  form: FormTarget;
  account: { email: string; name?: string | undefined };
  anotherAccount?: FormTarget | undefined;
  organizations: { id: string; name: string; role?: string | undefined }[];
  selectedOrganizationId?: string | undefined;
  identityScopes: ScopeView[];
  resources: { name: string; scopes: ScopeView[] }[];
  /** Asked for, but beyond the account's role. */
  withheldScopes: ScopeView[];
  destination: Destination;
}

/** Posts the form's fields; the person stays signed in by leaving the page. */
export interface SignOutData extends CommonData {
  form: FormTarget;
  application?: ApplicationView | undefined;
  account?: { email: string } | undefined;
  /** Posted to when the person decides to stay signed in. */
  cancel?: FormTarget | undefined;
}

export interface SignedOutData extends CommonData {
  application?: ApplicationView | undefined;
  continueUrl?: string | undefined;
}

export interface ErrorData extends CommonData {
  title: string;
  /** What happened, in plain words. */
  message: string;
  /** What to do next: sentences, or links. */
  nextSteps: (string | PageLink)[];
  /** Values that help whoever is asked for help, shown as text. */
  details?: { label: string; value: string }[] | undefined;
  /** The machine's word for it, for example `invalid_redirect_uri`. */
  code?: string | undefined;
}

export interface MessageData extends CommonData {
  title: string;
  message: string;
  links?: PageLink[] | undefined;
}

export interface HomeData extends CommonData {
  issuer: string;
  links: (PageLink & { description?: string | undefined })[];
}

export interface ApiReferenceData extends CommonData {
  document: OpenApiDocument;
  /** Where the same document can be fetched as JSON. */
  documentUrl?: string | undefined;
}

export interface PageData {
  'sign-in': SignInData;
  consent: ConsentData;
  'sign-out': SignOutData;
  'signed-out': SignedOutData;
  error: ErrorData;
  message: MessageData;
  home: HomeData;
  'api-reference': ApiReferenceData;
}

export type PageName = keyof PageData;
