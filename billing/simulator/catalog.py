"""Products and prices."""

from .endpoints import endpoint, merge_metadata, metadata, readable
from .errors import invalid, malformed, not_simulated

readable("product", "/v1/products", "Product", ("active",))
readable("price", "/v1/prices", "Price", ("active", "product", "currency", "type"))


@endpoint("POST /v1/products", "ProductCreateParams")
def create_product(world, params):
    """Something sold; with `default_price_data` its price too."""
    if "id" in params and params["id"] in world.objects.get("product", {}):
        raise invalid("Product already exists.", code="resource_already_exists", param="id")
    product = new_product(world, params)
    if "default_price_data" in params:
        price = new_price(world, {**params["default_price_data"], "product": product["id"]})
        product["default_price"] = price["id"]
    return product


@endpoint("POST /v1/products/{id}", "ProductUpdateParams")
def update_product(world, params, id):
    """Change what was given; leave the rest."""
    product = world.get("product", id)
    merge_metadata(product, params)
    for name in ("active", "default_price", "description", "images", "name", "statement_descriptor", "url"):
        if name in params:
            product[name] = params[name]
    product["updated"] = world.clock.now()
    world.emit("product.updated", product)
    return product


@endpoint("POST /v1/prices", "PriceCreateParams")
def create_price(world, params):
    """A price of a product, once or recurring."""
    return new_price(world, params)


@endpoint("POST /v1/prices/{id}", "PriceUpdateParams")
def update_price(world, params, id):
    """Amounts are fixed; name, key, notes and whether it is offered are not."""
    price = world.get("price", id)
    wanted = params.get("tax_behavior", price["tax_behavior"])
    if price["tax_behavior"] != "unspecified" and wanted != price["tax_behavior"]:
        raise invalid("You cannot update tax_behavior once it is set.", param="tax_behavior")
    merge_metadata(price, params)
    for name in ("active", "nickname", "lookup_key", "tax_behavior"):
        if name in params:
            price[name] = params[name]
    world.emit("price.updated", price)
    return price


def new_product(world, params) -> dict:
    """A product from its parameters."""
    now = world.clock.now()
    chosen = {"id": params["id"]} if "id" in params else {}
    product = world.new(
        "product",
        chosen,
        active=params.get("active", True),
        default_price=None,
        description=params.get("description"),
        images=params.get("images", []),
        marketing_features=params.get("marketing_features", []),
        metadata=metadata(params),
        name=params["name"],
        package_dimensions=None,
        shippable=params.get("shippable"),
        statement_descriptor=params.get("statement_descriptor"),
        tax_code=params.get("tax_code"),
        type="service",
        unit_label=params.get("unit_label"),
        updated=now,
        url=params.get("url"),
    )
    world.emit("product.created", product)
    return product


def new_price(world, params) -> dict:
    """A price from its parameters, inline product included."""
    if "tiers" in params or "custom_unit_amount" in params:
        raise not_simulated("tiered and customer-chosen prices")
    if ("unit_amount" in params) == ("unit_amount_decimal" in params):
        raise malformed("Specify unit_amount or unit_amount_decimal.", code="parameter_missing")
    if "product_data" in params:
        product = new_product(world, params["product_data"])
    elif "product" in params:
        product = world.get("product", params["product"], "product")
    else:
        raise malformed("Missing required param: product.", code="parameter_missing", param="product")
    exact = str(params.get("unit_amount_decimal", params.get("unit_amount")))
    recurring = None
    if "recurring" in params:
        recurring = {
            "interval": params["recurring"]["interval"],
            "interval_count": params["recurring"].get("interval_count", 1),
            "meter": None,
            "trial_period_days": None,
            "usage_type": params["recurring"].get("usage_type", "licensed"),
        }
        if recurring["usage_type"] != "licensed":
            raise not_simulated("metered prices")
    price = world.new(
        "price",
        active=params.get("active", True),
        billing_scheme="per_unit",
        currency=params["currency"].lower(),
        custom_unit_amount=None,
        lookup_key=params.get("lookup_key"),
        metadata=metadata(params),
        nickname=params.get("nickname"),
        product=product["id"],
        recurring=recurring,
        tax_behavior=params.get("tax_behavior", "unspecified"),
        tiers_mode=None,
        transform_quantity=None,
        type="recurring" if recurring else "one_time",
        unit_amount=int(exact) if exact.lstrip("-").isdigit() else None,
        unit_amount_decimal=exact,
    )
    world.emit("price.created", price)
    return price
