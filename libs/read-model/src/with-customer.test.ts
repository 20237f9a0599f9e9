import { Enrichment } from '@ordermesh/contract';
import { expect, test } from 'vitest';
import { record, storedOrder } from './testing/stored-orders.ts';
import { maxCustomerRevision } from './view-revision.ts';
import { withCustomer } from './with-customer.ts';

const pending = storedOrder();

test('fills in name and e-mail with the revision of the record', () => {
  expect(withCustomer(pending, record(pending, 7, 'Ada', 'a@x.org'))).toMatchObject({
    order: { customerName: 'Ada', customerEmail: 'a@x.org', enrichment: Enrichment.DONE },
    customerRevision: 7,
  });
});

test('marks a customer whom the service does not know', () => {
  const unknown = withCustomer(pending, 'unknown');
  expect(unknown).toMatchObject({
    order: { customerName: '', enrichment: Enrichment.CUSTOMER_UNKNOWN },
    customerRevision: 1,
  });
  expect(withCustomer(unknown, record(pending, 2)).order.enrichment).toBe(Enrichment.DONE);
});

test('keeps what is shown unless the lookup is newer', () => {
  const named = withCustomer(pending, record(pending, 5));
  for (const older of ['pending', 'unknown', record(pending, 4), record(pending, 5)] as const)
    expect(withCustomer(named, older)).toBe(named);
  expect(withCustomer(pending, 'pending')).toBe(pending);
});

test('stays within its part of the view revision', () => {
  const last = withCustomer(pending, record(pending, 2 ** 31 - 1));
  expect(last.customerRevision).toBe(maxCustomerRevision);
});
