from suppliers.models.emissions import EmissionError, EmissionResult, EmissionRun
from suppliers.models.factors import Factor, FactorSet, Rate, RateSet
from suppliers.models.footprints import ProductFootprint
from suppliers.models.partners import Restriction, Supplier, Warehouse
from suppliers.models.purchases import Category, PurchaseImport, PurchaseMapping, PurchaseRecord, SupplierName
from suppliers.models.shipments import Shipment, SupplierLeadTime
from suppliers.models.totals import CategoryTotal, PurchaseTotal, RunComparison, SupplierTotal
from suppliers.models.uploads import PurchaseUpload

__all__ = [
    "Category",
    "CategoryTotal",
    "EmissionError",
    "EmissionResult",
    "EmissionRun",
    "Factor",
    "FactorSet",
    "ProductFootprint",
    "PurchaseImport",
    "PurchaseMapping",
    "PurchaseRecord",
    "PurchaseTotal",
    "PurchaseUpload",
    "Rate",
    "RateSet",
    "Restriction",
    "RunComparison",
    "Shipment",
    "Supplier",
    "SupplierLeadTime",
    "SupplierName",
    "SupplierTotal",
    "Warehouse",
]
