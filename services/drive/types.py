"""Values that describe lists and changes of items, for the layers above."""

from storage.drive.tree.listing import NO_FILTER as NO_FILTER
from storage.drive.tree.listing import ItemFilter as ItemFilter
from storage.drive.tree.listing import ItemOrder as ItemOrder
from storage.drive.tree.listing import OrderField as OrderField
from storage.drive.tree.placing import ConflictPolicy as ConflictPolicy
