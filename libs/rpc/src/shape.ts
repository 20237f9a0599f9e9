import type { DescField, DescMessage, Message, MessageShape } from '@bufbuild/protobuf';
import { getOption, hasOption } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import { type FieldFault, fieldRules, ReasonError } from '@ordermesh/contract';

const validator = createValidator();

/**
 * Checks a request against the rules of its proto file and brings UUIDs to lower case (in place), so that everything behind the edge may
 * rely on both. Also refuses U+0000 in any string: PostgreSQL's jsonb cannot store it, and one such value would fail a whole batch.
 * @throws ReasonError INVALID_REQUEST naming every field at fault
 */
export function checkShape<D extends DescMessage>(schema: D, message: MessageShape<D>): void {
  const result = validator.validate(schema, message);
  if (result.kind === 'error') throw result.error;
  const faults: FieldFault[] = [];
  if (result.kind === 'invalid') {
    for (const violation of result.violations) {
      faults.push({
        field: pathToString(violation.field),
        reason: violation.ruleId,
        detail: shorten(violation.message),
      });
    }
  }
  normalise(schema, message, '', faults);
  if (faults.length > 0) throw invalidRequest(faults);
}

/** INVALID_REQUEST that names the fields at fault, the first one in its message. */
export function invalidRequest(faults: readonly FieldFault[]): ReasonError {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  const where = first?.field ? `${first.field}: ` : '';
  return new ReasonError('INVALID_REQUEST', `${where}${first?.detail}${more}`, { fields: faults });
}

// The rule over all currencies lists 155 codes.
function shorten(text: string): string {
  return text.length <= 160 ? text : `${text.slice(0, 157)}...`;
}

/** What one message type needs beyond protovalidate; compiled once per type. */
interface Plan {
  readonly strings: readonly { field: DescField; uuid: boolean }[];
  readonly messages: readonly { field: DescField; plan: DescMessage }[];
}

const plans = new Map<DescMessage, Plan>();

function planOf(schema: DescMessage): Plan {
  const known = plans.get(schema);
  if (known) return known;
  const strings: { field: DescField; uuid: boolean }[] = [];
  const messages: { field: DescField; plan: DescMessage }[] = [];
  for (const field of schema.fields) {
    if (field.message) messages.push({ field, plan: field.message });
    else if (field.scalar === 9) strings.push({ field, uuid: isUuid(field) });
  }
  const plan = { strings, messages };
  plans.set(schema, plan);
  return plan;
}

function isUuid(field: DescField): boolean {
  if (!hasOption(field, fieldRules)) return false;
  const { type } = getOption(field, fieldRules);
  const rules = type.case === 'repeated' ? type.value.items?.type : type;
  return rules?.case === 'string' && rules.value.wellKnown.case === 'uuid';
}

function normalise(schema: DescMessage, message: Message, path: string, faults: FieldFault[]) {
  const values = message as unknown as Record<string, unknown>;
  const plan = planOf(schema);
  for (const { field, uuid } of plan.strings) {
    const value = values[field.localName];
    const check = (text: string, where: string) => {
      if (text.includes('\0'))
        faults.push({ field: where, reason: 'string.no_nul', detail: 'must not contain U+0000' });
      return uuid ? text.toLowerCase() : text;
    };
    if (typeof value === 'string') values[field.localName] = check(value, path + field.name);
    else if (Array.isArray(value))
      values[field.localName] = value.map((text, i) => check(text, `${path}${field.name}[${i}]`));
  }
  for (const { field, plan: inner } of plan.messages) {
    const value = values[field.localName];
    if (Array.isArray(value))
      value.forEach((item, i) => {
        normalise(inner, item, `${path}${field.name}[${i}].`, faults);
      });
    else if (value !== undefined)
      normalise(inner, value as Message, `${path}${field.name}.`, faults);
  }
}
