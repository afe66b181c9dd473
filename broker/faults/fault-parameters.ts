/** A body that somebody has sent, held against the parameters of a kind: what does not fit is refused in one line. */
import { type FaultBody, type FaultParameter, type FaultParameterType, FaultRefused } from './fault-kind.ts';
import { refuseUnknown } from './known-names.ts';

/** Throws FaultRefused, with the parameter and what is allowed. */
export function checkedFaultBody(given: unknown, parameters: readonly FaultParameter[]): FaultBody {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new FaultRefused('the body must be a JSON object');
  const body = given as Record<string, unknown>;
  const names = parameters.map(({ name }) => name);
  try {
    refuseUnknown(Object.keys(body), names, 'parameter of this fault');
  } catch (error) {
    throw new FaultRefused(`${(error as Error).message} (there are ${names.join(', ')})`);
  }
  for (const parameter of parameters) {
    const value = body[parameter.name];
    if (value !== undefined) check(parameter, value);
    else if (parameter.required) throw new FaultRefused(`${parameter.name} is missing: ${parameter.help}`);
  }
  return body as FaultBody;
}

function check({ name, type, oneOf, min, max, help }: FaultParameter, value: unknown): void {
  if (!isA(type, value)) throw new FaultRefused(`${name} must be of type ${type}: ${help}`);
  if (oneOf !== undefined && !oneOf.includes(String(value)))
    throw new FaultRefused(`${name} must be ${oneOf.join(' or ')}, not '${value}'`);
  if (min !== undefined && (value as number) < min)
    throw new FaultRefused(`${name} must be at least ${min}, not ${value}`);
  if (max !== undefined && (value as number) > max)
    throw new FaultRefused(`${name} must be at most ${max}, not ${value}`);
}

function isA(type: FaultParameterType, value: unknown): boolean {
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return Number.isFinite(value);
  if (type === 'string or integer') return typeof value === 'string' || Number.isSafeInteger(value);
  return typeof value === type;
}
