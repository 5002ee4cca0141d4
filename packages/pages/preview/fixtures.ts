import {
  type ApplicationView,
  type ConsentData,
  describeDestination,
  expiredInteraction,
  type FormTarget,
  hostMismatch,
  type PageData,
  type PageName,
  pageNotFound,
  redirectUriMismatch,
  type SignInData,
  serverError,
  temporarilyUnavailable,
  unknownApplication,
} from '../src/index.ts';
import { referenceDocument } from './openapi.ts';

/** One page in one state, by the name of its screenshot. */
export type Fixture = { [Name in PageName]: { name: string; page: Name; data: PageData[Name] } }[PageName];

const requestId = '0197f3a2-6d1e-7c55-b1a4-3f0e9d2c7a18';
export const form = (action: string): FormTarget => ({
  action,
  fields: [{ name: 'csrf', value: 'kq7w1XvT0c3m' }],
});

export const application: ApplicationView = {
  name: 'Line Monitor',
  host: 'monitor.northwind.example',
  ownerName: 'Northwind Manufacturing',
  homepageUrl: 'https://monitor.northwind.example',
  privacyUrl: 'https://monitor.northwind.example/privacy',
  termsUrl: 'https://monitor.northwind.example/terms',
};

export const longApplication: ApplicationView = {
  ...application,
  name: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
  host: 'production-line-monitoring-and-reporting.eu-central-1.apps.northwind-manufacturing.example',
  ownerName: 'Northwind Manufacturing and Precision Engineering Gesellschaft mit beschränkter Haftung',
};

export const longEmail =
  'bartholomew.featherstonehaugh-cholmondeley.the.third@northwind-manufacturing.example';

export const signIn: SignInData = {
  application,
  form: form('/interaction/q2Xk/sign-in'),
  cancel: form('/interaction/q2Xk/cancel'),
};

const scope = (name: string, description: string) => ({
  name,
  description,
  canChange: name.endsWith(':write'),
});

export const consent: ConsentData = {
  application,
  form: form('/interaction/q2Xk/consent'),
  account: { email: 'ada@northwind.example', name: 'Ada Palmer' },
  anotherAccount: form('/interaction/q2Xk/another-account'),
  organizations: [{ id: 'org_1', name: 'Northwind Manufacturing', role: 'Developer' }],
  identityScopes: [
    scope('openid', 'Confirm who you are'),
    scope('email', 'See your e-mail address'),
    scope('offline_access', 'Stay connected while you are away'),
  ],
  resources: [
    {
      name: 'MES API',
      scopes: [
        scope('work-orders:read', 'List and read work orders'),
        scope('work-orders:write', 'Create and update work orders'),
        scope('inventory:read', 'List and read inventory'),
      ],
    },
  ],
  withheldScopes: [],
  destination: describeDestination('https://monitor.northwind.example/callback'),
};

const manyScopes: ConsentData = {
  ...consent,
  organizations: [
    { id: 'org_1', name: 'Northwind Manufacturing', role: 'Owner' },
    { id: 'org_2', name: 'Contoso Castings', role: 'Developer' },
    { id: 'org_3', name: 'Fabrikam', role: 'Viewer' },
  ],
  resources: [
    {
      name: 'MES API',
      scopes: ['Work orders', 'Operations', 'Quality data', 'Inventory', 'Webhooks'].flatMap((name) => [
        scope(`${name}:read`, `List and read ${name.toLowerCase()}`),
        scope(`${name}:write`, `Create and update ${name.toLowerCase()}`),
      ]),
    },
    { name: 'Reporting API', scopes: [scope('reports:read', 'Read reports')] },
  ],
  withheldScopes: [
    scope('organization:write', 'Change the organisation and its members'),
    scope('audit:read', 'Read the audit log'),
  ],
  destination: describeDestination('http://127.0.0.1:51004/callback'),
};

const longConsent: ConsentData = {
  ...consent,
  application: longApplication,
  account: { email: longEmail, name: 'Bartholomew Featherstonehaugh-Cholmondeley the Third' },
  organizations: Array.from({ length: 7 }, (_, index) => ({
    id: `org_${index}`,
    name: `Northwind Manufacturing and Precision Engineering, plant ${index + 1}`,
    role: 'Developer',
  })),
  resources: [
    {
      name: 'Manufacturing execution and production planning interface of the northern plants',
      scopes: [
        scope(
          'everything:write',
          'Create, change and delete work orders, operations, quality inspections and inventory in every plant',
        ),
      ],
    },
  ],
  destination: describeDestination(`https://${longApplication.host}/callback`),
};

const errors: Fixture[] = [
  ['expired', expiredInteraction({ label: 'Go to Line Monitor', href: 'https://monitor.northwind.example' })],
  ['unknown-application', unknownApplication('client_5kq7w1XvT0c3m')],
  [
    'redirect-uri',
    redirectUriMismatch(
      { name: 'Line Monitor', clientId: 'client_5kq7w1XvT0c3m' },
      'https://monitor.northwind.example.evil.example/callback?next=https://somewhere.example/a/long/path',
    ),
  ],
  ['host', hostMismatch('https://auth.northwind.example/')],
  ['not-found', pageNotFound({ label: 'Start page', href: '/' })],
  ['server-error', serverError()],
  ['unavailable', temporarilyUnavailable(5)],
].map(([name, data]) => ({
  name: `error-${name}`,
  page: 'error',
  data: { ...(data as PageData['error']), requestId },
}));

const home: PageData['home'] = {
  issuer: 'https://auth.northwind.example',
  links: [
    {
      label: 'OpenID Connect configuration',
      href: '/.well-known/openid-configuration',
      description: 'Endpoints and abilities, for OpenID Connect clients',
    },
    {
      label: 'OAuth 2.0 server metadata',
      href: '/.well-known/oauth-authorization-server',
      description: 'The same for OAuth clients (RFC 8414)',
    },
    { label: 'Signing keys', href: '/oauth/jwks', description: 'The public keys of the tokens issued here' },
  ],
};

export const fixtures: Fixture[] = [
  { name: 'sign-in', page: 'sign-in', data: signIn },
  { name: 'sign-in-hint', page: 'sign-in', data: { ...signIn, email: 'ada@northwind.example' } },
  {
    name: 'sign-in-error',
    page: 'sign-in',
    data: {
      ...signIn,
      email: 'ada@northwind.example',
      error: 'The e-mail address or the password is wrong. Check both and try again.',
    },
  },
  {
    name: 'sign-in-throttled',
    page: 'sign-in',
    data: { ...signIn, email: 'ada@northwind.example', throttled: { retryAfterSeconds: 240 } },
  },
  {
    name: 'sign-in-long',
    page: 'sign-in',
    data: { ...signIn, application: longApplication, email: longEmail },
  },
  { name: 'consent', page: 'consent', data: consent },
  { name: 'consent-many', page: 'consent', data: manyScopes },
  { name: 'consent-long', page: 'consent', data: longConsent },
  {
    name: 'consent-empty',
    page: 'consent',
    data: {
      ...consent,
      application: { name: 'acme' },
      account: { email: 'ada@northwind.example' },
      organizations: [],
      identityScopes: [],
      resources: [],
      destination: { kind: 'app', scheme: 'com.example.acme' },
    },
  },
  {
    name: 'sign-out',
    page: 'sign-out',
    data: {
      application,
      form: form('/oauth/logout/confirm'),
      cancel: form('/oauth/logout/cancel'),
      account: { email: 'ada@northwind.example' },
    },
  },
  {
    name: 'signed-out',
    page: 'signed-out',
    data: { application, continueUrl: 'https://monitor.northwind.example' },
  },
  ...errors,
  {
    name: 'message',
    page: 'message',
    data: {
      title: 'Your password was changed',
      message: 'Use the new one from now on. Sessions on other devices have ended.',
      links: [
        { label: 'Sign in', href: '/' },
        { label: 'Help', href: '/help' },
      ],
    },
  },
  { name: 'home', page: 'home', data: home },
  {
    name: 'api-reference',
    page: 'api-reference',
    data: { document: referenceDocument, documentUrl: '/openapi.json' },
  },
];
