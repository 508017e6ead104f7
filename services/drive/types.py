"""Values that describe lists and changes of items, for the layers above."""

from storage.drive.listing import NO_FILTER as NO_FILTER
from storage.drive.listing import ItemFilter as ItemFilter
from storage.drive.listing import ItemOrder as ItemOrder
from storage.drive.listing import OrderField as OrderField
from storage.drive.placing import ConflictPolicy as ConflictPolicy
