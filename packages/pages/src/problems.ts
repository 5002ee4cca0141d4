import type { ErrorData } from './page-data.ts';
import { describeWait } from './wait.ts';

/** The words for each way in which a page can fail; the request's id is added where it is rendered. */

export function expiredInteraction(start?: { label: string; href: string }): ErrorData {
  return {
    title: 'This sign-in page has expired',
    message:
      'It was open for too long, was already used, or was started in another browser. Nothing was lost: no one was signed in and nothing was shared.',
    nextSteps: [start ?? 'Go back to the application you came from and sign in again from there.'],
    code: 'interaction_expired',
  };
}

export function unknownApplication(clientId: string): ErrorData {
  return {
    title: 'This application is not known here',
    message: 'The link that brought you here names an application that is not registered, or no longer is.',
    nextSteps: [
      'Go back to the application and try again.',
      'If it happens again, tell the people who run the application and give them the values below.',
    ],
    details: [{ label: 'Client ID', value: clientId }],
    code: 'invalid_client',
  };
}

export function redirectUriMismatch(
  application: { name: string; clientId: string },
  redirectUri: string,
): ErrorData {
  return {
    title: 'The return address is not registered',
    message: `${application.name} asked to send you to an address that it has not registered. To protect you, we stopped here.`,
    nextSteps: [
      'Go back to the application and try again.',
      'If you develop it: register exactly this redirect URI, character by character.',
    ],
    details: [
      { label: 'Redirect URI', value: redirectUri },
      { label: 'Client ID', value: application.clientId },
    ],
    code: 'invalid_redirect_uri',
  };
}

/** For requests whose Host is not the issuer's. */
export function hostMismatch(rightUrl: string): ErrorData {
  return {
    title: 'This server has another address',
    message: 'You reached it under a name it does not answer to, so nothing was done.',
    nextSteps: [{ label: `Go to ${rightUrl}`, href: rightUrl }],
    code: 'host_mismatch',
  };
}

/** For requests over plain http. The link says https, whatever the browser was told. */
export function httpsRequired(rightUrl: string): ErrorData {
  return {
    title: 'This address needs a secure connection',
    message: 'The request came without encryption (http), where others can read along, so nothing was done.',
    nextSteps: [
      { label: `Go to ${rightUrl}`, href: rightUrl },
      'If an application sent you here, tell the people who run it that it must use https.',
    ],
    code: 'https_required',
  };
}

export function tooManyRequests(retryAfterSeconds: number): ErrorData {
  return {
    title: 'Too many requests from your network',
    message: 'Many sign-ins were started from where you are within a minute. Nothing was lost.',
    nextSteps: [`Wait ${describeWait(retryAfterSeconds)}, then load this page again.`],
    code: 'too_many_requests',
  };
}

export function invalidRequest(description: string): ErrorData {
  return {
    title: 'This request cannot be completed',
    message: description,
    nextSteps: [
      'Go back to the application you came from and try again.',
      'If it happens again, tell the people who run the application.',
    ],
    code: 'invalid_request',
  };
}

export function pageNotFound(home?: { label: string; href: string }): ErrorData {
  return {
    title: 'There is no such page',
    message: 'The address may be mistyped, or the page has moved.',
    nextSteps: ['Check the address for typing errors.', ...(home ? [home] : [])],
    code: 'not_found',
  };
}

export function serverError(): ErrorData {
  return {
    title: 'Something went wrong on our side',
    message: 'The request could not be completed. It is not your fault, and it has been recorded.',
    nextSteps: ['Try again in a moment.', 'If it happens again, ask for help and give the request ID below.'],
    code: 'server_error',
  };
}

export function temporarilyUnavailable(retryAfterSeconds: number): ErrorData {
  return {
    title: 'Signing in is paused for a moment',
    message:
      'A part that signing in needs is not available right now. Whoever is signed in already can go on working.',
    nextSteps: [`Try again in ${describeWait(retryAfterSeconds)}.`],
    code: 'temporarily_unavailable',
  };
}
