import type {
  Address as WireAddress,
  OrderItem as WireItem,
  Money as WireMoney,
} from '@ordermesh/contract';
import type { Address, Money, OrderItem } from '@ordermesh/order';

// Between messages and the domain's plain values. Fields that proto rules require are present: the edge has checked.

/** Money of a message. */
export function moneyOf(money: WireMoney | undefined): Money {
  if (money === undefined) throw new Error('money is missing in a checked message');
  return { currencyCode: money.currencyCode, minorUnits: money.minorUnits };
}

/** One item of a message. */
export function itemOf({ productId, productName, quantity, unitPrice }: WireItem): OrderItem {
  return { productId, productName, quantity, unitPrice: moneyOf(unitPrice) };
}

/** Address of a message. */
export function addressOf(address: WireAddress | undefined): Address {
  if (address === undefined) throw new Error('an address is missing in a checked message');
  const { recipient, line1, line2, city, region, postalCode, countryCode } = address;
  return { recipient, line1, line2, city, region, postalCode, countryCode };
}
