export interface NameRule {
  pattern: RegExp;
  maxLength: number;
  words: string;
}

/**
 * What an application may be called, by cloud provider. The server applies the same rules; they are
 * repeated here to answer while the person types.
 */
export const NAME_RULES: Record<string, NameRule> = {
  kubernetes: {
    pattern: /^[a-zA-Z][a-zA-Z0-9-]*$/,
    maxLength: 63,
    words: "a letter first, then letters, digits and hyphens",
  },
  aws: { pattern: /^[a-zA-Z_0-9.]*$/, maxLength: 250, words: "letters, digits, dots, underscores" },
  gce: {
    pattern: /^([a-zA-Z][a-zA-Z0-9]*)?$/,
    maxLength: 63,
    words: "a letter first, then letters and digits",
  },
  appengine: { pattern: /^[a-z0-9]*$/, maxLength: 58, words: "lower-case letters and digits" },
};

/** What is wrong with an application's name, or undefined. */
export function applicationNameFault(
  name: string,
  providers: string[],
  taken: Iterable<string>,
): string | undefined {
  const trimmed = name.trim();
  if (trimmed === "") return "Enter a name.";
  for (const provider of providers) {
    const rule = NAME_RULES[provider];
    if (!rule) continue;
    if (!rule.pattern.test(trimmed)) {
      return `A name for ${provider} has ${rule.words}.`;
    }
    if (trimmed.length > rule.maxLength) {
      return `A name for ${provider} has at most ${rule.maxLength} characters; this has ${trimmed.length}.`;
    }
  }
  if (/[/?#%\\\s]/.test(trimmed)) return "A name has no spaces and none of / ? # % \\.";
  if (trimmed.length > 250) return "A name has at most 250 characters.";
  const lower = trimmed.toLowerCase();
  for (const other of taken) {
    if (other.toLowerCase() === lower) return `An application named ${other} already exists.`;
  }
  return undefined;
}

/** What is wrong with an email address, or undefined. Deliberately lenient: the server decides. */
export function emailFault(email: string): string | undefined {
  const trimmed = email.trim();
  if (trimmed === "") return "Enter the email address of the owner.";
  if (!/^[^\s@]+@[^\s@]+$/.test(trimmed)) return "This is not an email address.";
  return undefined;
}

/** "deployManifest" becomes "Deploy manifest". */
export function humanize(camelCase: string): string {
  const words = camelCase
    .replace(/[_-]+/g, " ")
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .trim()
    .split(/\s+/)
    .map((word, index) => {
      if (word.length > 1 && word === word.toUpperCase()) return word;
      const lower = word.toLowerCase();
      return index === 0 ? lower.charAt(0).toUpperCase() + lower.slice(1) : lower;
    });
  return words.join(" ");
}
