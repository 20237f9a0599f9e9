/** A secret that occurs nowhere by chance. `what` tells in a failed test which one got out; 16 bytes and more, for keys. */
export const plant = (what: string): string => `Planted${what}7q9Zk2Vw`;

/** Where something was said, and what. */
export interface Said {
  readonly where: string;
  readonly text: string;
}

/** Which of the secrets occur in which of the texts, plain or encoded, one line each. */
export function leaks(secrets: readonly string[], said: readonly Said[]): string[] {
  return secrets.flatMap((secret) => {
    const forms = formsOf(secret);
    return said
      .filter(({ text }) => forms.some((form) => text.includes(form)))
      .map(({ where, text }) => `${where} has ${secret}: ${around(text, forms)}`);
  });
}

/** Base64 depends on what stands before: a header has `user:password` in it. */
function formsOf(secret: string): string[] {
  const base64 = ['', 'a', 'ab'].map((before) => {
    const text = Buffer.from(before + secret).toString('base64');
    return text.slice(before === '' ? 0 : 4, text.length - 4);
  });
  const bytes = JSON.stringify([...Buffer.from(secret)]).slice(1, -1);
  return [secret, Buffer.from(secret).toString('hex'), bytes, ...base64];
}

function around(text: string, forms: readonly string[]): string {
  const at = Math.min(...forms.map((form) => text.indexOf(form)).filter((index) => index >= 0));
  return text.slice(Math.max(0, at - 200), at + 100);
}
