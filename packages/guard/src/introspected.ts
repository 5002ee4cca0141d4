import { type ParsedApiKey, resemblesApiKey } from '@latchkey/protocol';
import type { Holder } from './holder.ts';
import type { Introspection, IntrospectionAnswer } from './introspection.ts';
import { acceptApiKey, acceptToken, type Introspected, type Judgement } from './introspection-answer.ts';
import type { Refuse } from './refuse.ts';
import type { RevocationList } from './revocations.ts';
import type { ValidationRules } from './validate.ts';

/** Takes credentials for what the authorization server says they are. Throws GuardError, or rejects with it. */
export interface IntrospectedVerifier {
  verifyToken(token: string): Holder | Promise<Holder>;
  verifyApiKey(text: string, key: ParsedApiKey): Holder | Promise<Holder>;
}

interface Deps {
  introspection: Introspection;
  rules: ValidationRules;
  revocations: RevocationList | undefined;
  refuse: Refuse;
  now: () => number;
}

export function createIntrospectedVerifier(deps: Deps): IntrospectedVerifier {
  const { rules, revocations, refuse, now } = deps;
  const { ask, take } = createQuestions(deps);

  /** What can have changed since the server answered. */
  function recheck({ holder, claims, expiresAt }: Introspected): Holder {
    if (now() >= expiresAt) throw refuse(claims ? 'token_expired' : 'api_key_expired');
    if (claims && revocations?.isRevoked(claims)) throw refuse('token_revoked');
    return holder;
  }

  return {
    verifyToken: (token) =>
      ask(token, (answer) => {
        if (!answer.active) throw refuse(resemblesApiKey(token) ? 'api_key_malformed' : 'token_inactive');
        return recheck(take(answer, () => acceptToken(answer, token, rules, now() / 1000)));
      }),
    verifyApiKey: (text, key) =>
      ask(text, (answer) => {
        if (!answer.active) throw refuse('api_key_inactive');
        return recheck(take(answer, () => acceptApiKey(answer, key, rules)));
      }),
  };
}

type Judge = (answer: IntrospectionAnswer) => Holder;

function createQuestions({ introspection, refuse }: Deps) {
  const unavailable = (cause: unknown) => refuse('introspection_unavailable', { cause });
  /** By answer, which is the same object for as long as it is believed. */
  const accepted = new WeakMap<IntrospectionAnswer, Introspected>();

  function ask(text: string, judge: Judge): Holder | Promise<Holder> {
    let answer: ReturnType<Introspection['introspect']>;
    try {
      answer = introspection.introspect(text);
    } catch (cause) {
      throw unavailable(cause);
    }
    if (!(answer instanceof Promise)) return judge(answer);
    return answer.then(judge, (cause: unknown) => {
      throw unavailable(cause);
    });
  }

  function take(answer: IntrospectionAnswer, accept: () => Judgement): Introspected {
    const known = accepted.get(answer);
    if (known !== undefined) return known;
    let judgement: Judgement;
    try {
      judgement = accept();
    } catch (cause) {
      throw unavailable(cause);
    }
    if ('refused' in judgement) throw refuse(judgement.refused);
    accepted.set(answer, judgement);
    return judgement;
  }

  return { ask, take };
}
