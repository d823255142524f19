"""The standing words of documents in each of settings.DOCUMENT_LANGUAGES. Pure.

A document's language is its customer's, and some of its words are the law's (2006/112/EC, Art. 226),
so they stand here in full and not in the catalogues of the pages' words.
"""

from __future__ import annotations

from collections.abc import Callable

LANGUAGES = ("en", "de", "fr", "nl", "es", "it")

#: One line for each word, in the order of LANGUAGES.
_TABLE = """
Invoice|Rechnung|Facture|Factuur|Factura|Fattura
Credit note|Rechnungskorrektur|Avoir|Creditnota|Factura rectificativa|Nota di credito
Self-billed statement|Gutschrift|Autofacture|Self-billing|Autofactura|Autofattura
Number|Nummer|Numéro|Nummer|Número|Numero
Date of issue|Ausgestellt am|Date d'émission|Datum|Fecha de emisión|Data di emissione
Date of supply|Leistungsdatum|Date de livraison|Leverdatum|Fecha de suministro|Data della fornitura
Period|Leistungszeitraum|Période|Periode|Periodo|Periodo
Due|Zahlbar bis|À payer avant le|Te betalen voor|Vencimiento|Scadenza
Your reference|Ihr Zeichen|Votre référence|Uw referentie|Su referencia|Vostro riferimento
Corrects invoice|Korrigiert Rechnung|Corrige la facture|Corrigeert factuur|Rectifica la factura|Corregge la fattura
Replaces invoice|Ersetzt Rechnung|Remplace la facture|Vervangt factuur|Sustituye la factura|Sostituisce la fattura
Place|Ort|Lieu|Plaats|Lugar|Luogo
Charge point|Ladepunkt|Point de charge|Laadpunt|Punto de carga|Punto di ricarica
Start|Beginn|Début|Begin|Inicio|Inizio
End|Ende|Fin|Einde|Fin|Fine
Meter at start|Zählerstand am Beginn|Compteur au début|Meterstand begin|Contador al inicio|Contatore all'inizio
Meter at end|Zählerstand am Ende|Compteur à la fin|Meterstand einde|Contador al final|Contatore alla fine
Signed meter values|Signierte Messwerte|Valeurs de mesure signées|Ondertekende meetwaarden|Valores de medida firmados|Valori di misura firmati
Our check|Unsere Prüfung|Notre vérification|Onze controle|Nuestra comprobación|La nostra verifica
Meter number|Zählernummer|Numéro du compteur|Meternummer|Número del contador|Numero del contatore
Public key of the meter|Öffentlicher Schlüssel des Zählers|Clé publique du compteur|Publieke sleutel van de meter|Clave pública del contador|Chiave pubblica del contatore
Verified|Geprüft und echt|Vérifiées|Gecontroleerd|Comprobados|Verificati
Wrong signature|Falsche Signatur|Signature erronée|Onjuiste handtekening|Firma incorrecta|Firma errata
Contradictory|Widersprüchlich|Contradictoires|Tegenstrijdig|Contradictorios|Contraddittori
Public key unknown|Öffentlicher Schlüssel unbekannt|Clé publique inconnue|Publieke sleutel onbekend|Clave pública desconocida|Chiave pubblica sconosciuta
Could not be checked|Nicht prüfbar|Non vérifiables|Niet controleerbaar|No comprobables|Non verificabili
Incomplete|Unvollständig|Incomplètes|Onvolledig|Incompletos|Incompleti
You can check these values yourself: open the file from the receipt page in the Transparenzsoftware of S.A.F.E. e.V. (transparenz.software).|Sie können diese Werte selbst prüfen: Öffnen Sie die Datei von der Belegseite in der Transparenzsoftware der S.A.F.E. e.V. (transparenz.software).|Vous pouvez vérifier ces valeurs vous-même : ouvrez le fichier de la page du reçu dans le Transparenzsoftware de S.A.F.E. e.V. (transparenz.software).|U kunt deze waarden zelf controleren: open het bestand van de bonpagina in de Transparenzsoftware van S.A.F.E. e.V. (transparenz.software).|Puede comprobar estos valores: abra el archivo de la página del recibo en el Transparenzsoftware de S.A.F.E. e.V. (transparenz.software).|Può verificare questi valori: apra il file della pagina della ricevuta nel Transparenzsoftware di S.A.F.E. e.V. (transparenz.software).
Item|Leistung|Désignation|Omschrijving|Concepto|Descrizione
Quantity|Menge|Quantité|Aantal|Cantidad|Quantità
Price|Preis|Prix|Prijs|Precio|Prezzo
VAT|USt|TVA|Btw|IVA|IVA
VAT rate|USt-Satz|Taux de TVA|Btw-tarief|Tipo de IVA|Aliquota IVA
VAT id|USt-IdNr.|N° de TVA|Btw-nummer|NIF-IVA|Partita IVA
Tax number|Steuernummer|N° fiscal|Belastingnummer|NIF|Codice fiscale
Amount|Betrag|Montant|Bedrag|Importe|Importo
Net|Netto|HT|Netto|Base|Imponibile
Tax|Steuer|TVA|Btw|Cuota|Imposta
Gross|Brutto|TTC|Bruto|Total|Totale
Total, tax included|Gesamtbetrag|Total TTC|Totaal incl. btw|Total con IVA|Totale IVA inclusa
Total|Gesamtbetrag|Total|Totaal|Total|Totale
Total credited|Gutgeschrieben|Total crédité|Totaal gecrediteerd|Total abonado|Totale accreditato
Page|Seite|Page|Pagina|Página|Pagina
min|Min.|min|min|min|min
Energy|Energie|Énergie|Energie|Energía|Energia
Charging time|Ladezeit|Temps de charge|Laadtijd|Tiempo de carga|Tempo di ricarica
Parking time|Standzeit|Temps de stationnement|Parkeertijd|Tiempo de estacionamiento|Tempo di sosta
Start fee|Startgebühr|Frais de démarrage|Starttarief|Tarifa de inicio|Tariffa di avvio
Reservation|Reservierung|Réservation|Reservering|Reserva|Prenotazione
Reservation fee|Reservierungsgebühr|Frais de réservation|Reserveringskosten|Tarifa de reserva|Tariffa di prenotazione
Unused reservation|Nicht genutzte Reservierung|Réservation non utilisée|Ongebruikte reservering|Reserva no utilizada|Prenotazione non utilizzata
Minimum price|Mindestpreis|Prix minimum|Minimumprijs|Precio mínimo|Prezzo minimo
Late cancellation|Späte Stornierung|Annulation tardive|Late annulering|Cancelación tardía|Cancellazione tardiva
Booked slot not used|Gebuchte Zeit nicht genutzt|Créneau réservé non utilisé|Gereserveerd tijdvak niet gebruikt|Franja reservada no utilizada|Fascia prenotata non utilizzata
Charging past the booked time|Laden über die gebuchte Zeit hinaus|Recharge au-delà du créneau réservé|Laden na de gereserveerde tijd|Carga tras la franja reservada|Ricarica oltre la fascia prenotata
Refund|Erstattung|Remboursement|Terugbetaling|Reembolso|Rimborso
More than was held, not charged|Über dem vorgemerkten Betrag, nicht berechnet|Au-delà de la réservation, non facturé|Boven de reservering, niet berekend|Por encima de la retención, no cobrado|Oltre il blocco, non addebitato
Revenue share|Umsatzbeteiligung|Part du chiffre d'affaires|Omzetaandeel|Participación en ingresos|Quota sui ricavi
Energy share|Beteiligung je kWh|Part par kWh|Aandeel per kWh|Participación por kWh|Quota per kWh
card|Karte|carte|kaart|tarjeta|carta
card at the charger's terminal|Karte am Terminal der Ladesäule|carte au terminal de la borne|kaart bij de terminal van de laadpaal|tarjeta en el terminal del punto de recarga|carta al terminale della colonnina
wallet|Guthaben|porte-monnaie|tegoed|monedero|borsellino
%(amount)s paid by %(card)s.|%(amount)s bezahlt mit %(card)s.|%(amount)s payés par %(card)s.|%(amount)s betaald met %(card)s.|%(amount)s pagados con %(card)s.|%(amount)s pagati con %(card)s.
%(amount)s refunded to %(card)s.|%(amount)s auf %(card)s erstattet.|%(amount)s remboursés sur %(card)s.|%(amount)s terugbetaald op %(card)s.|%(amount)s reembolsados en %(card)s.|%(amount)s rimborsati su %(card)s.
%(amount)s is still open.|%(amount)s sind noch offen.|%(amount)s restent à payer.|%(amount)s staat nog open.|Quedan %(amount)s por pagar.|%(amount)s ancora da pagare.
Paid with your cards when you charged.|Bei den Ladevorgängen mit Ihrer Karte bezahlt.|Payé par carte lors des recharges.|Bij het laden met uw kaart betaald.|Pagado con su tarjeta al cargar.|Pagato con la carta al momento della ricarica.
Not paid yet. Please settle it on the receipt page named in our mail.|Noch nicht bezahlt. Bitte zahlen Sie auf der Belegseite, die unsere E-Mail nennt.|Pas encore payée. Veuillez régler sur la page du reçu indiquée dans notre e-mail.|Nog niet betaald. Betaal via de bonpagina in onze e-mail.|Pendiente de pago. Pague en la página del recibo indicada en nuestro correo.|Non ancora pagata. Si prega di pagare alla pagina della ricevuta indicata nella nostra e-mail.
Please transfer %(amount)s by %(day)s to IBAN %(iban)s, naming %(number)s.|Bitte überweisen Sie %(amount)s bis zum %(day)s auf die IBAN %(iban)s unter Angabe von %(number)s.|Veuillez virer %(amount)s avant le %(day)s sur l'IBAN %(iban)s avec la référence %(number)s.|Gelieve %(amount)s vóór %(day)s over te maken op IBAN %(iban)s onder vermelding van %(number)s.|Transfiera %(amount)s antes del %(day)s al IBAN %(iban)s indicando %(number)s.|Si prega di versare %(amount)s entro il %(day)s sull'IBAN %(iban)s indicando %(number)s.
Please pay %(amount)s by %(day)s.|Bitte zahlen Sie %(amount)s bis zum %(day)s.|Veuillez payer %(amount)s avant le %(day)s.|Gelieve %(amount)s vóór %(day)s te betalen.|Pague %(amount)s antes del %(day)s.|Si prega di pagare %(amount)s entro il %(day)s.
Nothing was paid back for it: it is replaced by an invoice with other details.|Dafür wurde nichts ausgezahlt: Eine Rechnung mit anderen Angaben tritt an ihre Stelle.|Aucun remboursement : une facture aux coordonnées modifiées la remplace.|Er is niets terugbetaald: een factuur met andere gegevens vervangt haar.|Sin reembolso: la sustituye una factura con otros datos.|Nessun rimborso: è sostituita da una fattura con altri dati.
It is set off against what you owe us on your account.|Wir verrechnen den Betrag mit Ihrem Kundenkonto.|Le montant est imputé sur votre compte client.|Wij verrekenen het met uw klantrekening.|Se compensa con su cuenta de cliente.|Viene compensato con il Suo conto cliente.
We pay it to IBAN %(iban)s.|Wir überweisen auf die IBAN %(iban)s.|Nous le versons sur l'IBAN %(iban)s.|Wij betalen op IBAN %(iban)s.|Lo abonamos en el IBAN %(iban)s.|Lo versiamo sull'IBAN %(iban)s.
We pay it to the account that you named.|Wir überweisen auf das uns genannte Konto.|Nous le versons sur le compte indiqué.|Wij betalen op de opgegeven rekening.|Lo abonamos en la cuenta indicada.|Lo versiamo sul conto indicato.
Times are those of the place (%(zone)s).|Zeiten sind die des Ortes (%(zone)s).|Heures locales (%(zone)s).|Tijden zijn lokaal (%(zone)s).|Horas locales (%(zone)s).|Orari locali (%(zone)s).
The charger did not report the end; billed up to its last meter value.|Der Ladepunkt hat das Ende nicht gemeldet; berechnet bis zum letzten Zählerstand.|La borne n'a pas signalé la fin ; facturé jusqu'au dernier relevé.|Het laadpunt meldde het einde niet; berekend tot de laatste meterstand.|El punto no comunicó el final; facturado hasta la última lectura.|Il punto non ha comunicato la fine; fatturato fino all'ultima lettura.
Reverse charge: VAT is to be paid by the customer.|Steuerschuldnerschaft des Leistungsempfängers.|Autoliquidation.|Btw verlegd.|Inversión del sujeto pasivo.|Inversione contabile.
Not subject to VAT in the EU.|In der EU nicht steuerbar.|Hors champ de la TVA de l'UE.|Niet onderworpen aan EU-btw.|No sujeto al IVA de la UE.|Operazione fuori campo IVA UE.
No VAT is charged.|Es wird keine Umsatzsteuer berechnet.|TVA non applicable.|Vrijgesteld van btw.|Exento de IVA.|Operazione senza IVA.
%(charges)s charges, %(kwh)s kWh|%(charges)s Ladevorgänge, %(kwh)s kWh|%(charges)s recharges, %(kwh)s kWh|%(charges)s laadbeurten, %(kwh)s kWh|%(charges)s recargas, %(kwh)s kWh|%(charges)s ricariche, %(kwh)s kWh
%(used)s kWh were included in your plan %(plan)s; %(left)s of %(included)s kWh were left until %(until)s.|%(used)s kWh waren in Ihrem Ladetarif %(plan)s enthalten; %(left)s von %(included)s kWh waren noch übrig bis zum %(until)s.|%(used)s kWh étaient inclus dans votre forfait %(plan)s ; il restait %(left)s sur %(included)s kWh jusqu'au %(until)s.|%(used)s kWh waren inbegrepen in uw abonnement %(plan)s; %(left)s van %(included)s kWh waren over tot %(until)s.|%(used)s kWh estaban incluidos en su plan %(plan)s; quedaban %(left)s de %(included)s kWh hasta el %(until)s.|%(used)s kWh erano inclusi nel Suo piano %(plan)s; restavano %(left)s di %(included)s kWh fino al %(until)s.
Included in your plan|In Ihrem Tarif enthalten|Inclus dans votre forfait|Inbegrepen in uw abonnement|Incluido en su plan|Incluso nel Suo piano
Plan|Ladetarif|Forfait|Abonnement|Plan|Piano
Not used of|Nicht genutzt von|Non utilisé de|Niet gebruikt van|No utilizado de|Non utilizzato di
Rest of the period|Rest des Zeitraums|Reste de la période|Rest van de periode|Resto del período|Resto del periodo
Charges|Ladevorgänge|Recharges|Laadbeurten|Recargas|Ricariche
""".strip().splitlines()

_WORDS = {row.split("|")[0]: dict(zip(LANGUAGES, row.split("|"), strict=True)) for row in _TABLE}

_DATES = {"en": "{0.day} {1} {0.year}", "de": "{0:%d.%m.%Y}", "es": "{0:%d/%m/%Y}"}
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]  # noqa: SIM905


def language_of(locale: str) -> str:
    """The one of LANGUAGES that this locale is written in; English for those we have no words of."""
    short = locale.replace("_", "-").split("-")[0].lower()
    return short if short in LANGUAGES else "en"


def speak(locale: str) -> Callable[[str], str]:
    """What says the table's words in a language; an unknown word is a mistake of ours."""
    language = language_of(locale)
    return lambda word: _WORDS[word][language]


def tariff(locale: str) -> Callable[[str], str]:
    """The same for the words of a bill's lines: the tariff's conditions in brackets stay as they are."""
    language = language_of(locale)

    def say(text: str) -> str:
        word, bracket, rest = text.partition(" (")
        return f"{_WORDS[word][language] if word in _WORDS else word}{bracket}{rest}"

    return say


def day(date, locale: str) -> str:
    """A date as the language writes it."""
    form = _DATES.get(language_of(locale), "{0:%d/%m/%Y}" if language_of(locale) != "nl" else "{0:%d-%m-%Y}")
    return form.format(date, _MONTHS[date.month - 1])
