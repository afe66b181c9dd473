/**
 * Who somebody is by the name in a certificate: the rules of ssl.principal.mapping.rules, the first that fits
 * counts. A rule is `RULE:pattern/replacement/[LU]`, its pattern that of the whole name; DEFAULT leaves the
 * name as it is.
 * Source: SslPrincipalMapper of Kafka; KIP-371.
 */
import { ConfigError } from '../../config/property.ts';

/** The name by the rules; null: none of them fits. */
export type PrincipalMapping = (distinguishedName: string) => string | null;

/** null: it does not fit. */
type Rule = (distinguishedName: string) => string | null;

const CONFIG = 'ssl.principal.mapping.rules';
const ONE_RULE = /\s*(?:(DEFAULT)|RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?))\s*(?:,|$)/y;

/** Throws ConfigError. */
export function principalMapping(text: string): PrincipalMapping {
  const rules = parseRules(text.trim());
  return (distinguishedName) => {
    for (const rule of rules) {
      const name = rule(distinguishedName);
      if (name !== null) return name;
    }
    return null;
  };
}

function parseRules(text: string): Rule[] {
  const rules: Rule[] = [];
  for (let at = 0; at < text.length; ) {
    ONE_RULE.lastIndex = at;
    const found = ONE_RULE.exec(text);
    if (found === null) throw invalid(text, `Invalid rule: \`${text.slice(at)}\``);
    at = ONE_RULE.lastIndex;
    const [, isDefault, pattern = '', replacement = '', change = ''] = found;
    rules.push(isDefault === undefined ? ruleOf(text, { pattern, replacement, change }) : (name) => name);
  }
  if (rules.length === 0) throw invalid(text, 'there is no rule');
  return rules;
}

function ruleOf(
  text: string,
  {
    pattern,
    replacement,
    change,
  }: { readonly pattern: string; readonly replacement: string; readonly change: string },
): Rule {
  let whole: RegExp;
  try {
    whole = new RegExp(`^(?:${pattern})$`);
  } catch (error) {
    throw invalid(text, error instanceof Error ? error.message : String(error));
  }
  return (distinguishedName) => {
    const groups = whole.exec(distinguishedName);
    if (groups === null) return null;
    // As in Java, `$1` is a group and `\x` is x.
    const name = replacement.replaceAll(/\\(.)|\$(\d)/g, (_all, literal?: string, group?: string) =>
      literal === undefined ? (groups[Number(group)] ?? '') : literal,
    );
    if (change === 'L') return name.toLowerCase();
    return change === 'U' ? name.toUpperCase() : name;
  };
}

function invalid(text: string, reason: string): ConfigError {
  return new ConfigError(
    `Invalid value ${text} for configuration ${CONFIG}: ${reason}; allowed are DEFAULT and RULE:pattern/replacement/[LU], separated by commas`,
  );
}
