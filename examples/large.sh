#!/bin/sh
# Writes a data set of N contracts with three items each into DIR: about one company per contract
# (every tenth company has two), monthly in advance from 2026-10-01, one seller, EUR, German VAT.
# The same N always gives the same bytes. 1,000,000 contracts take a few seconds and 320 MB.
#
# With `mixed`, the items are of all price models: graduated and volume tiers, packages, usage of
# September (every tenth contract is billed in arrears), a plan for every fifth contract, a discount
# for every fourth, two tax rates.
#
# Usage: examples/large.sh 100000 /tmp/large [mixed] && finops import /tmp/large
set -eu

if [ $# -lt 2 ] || [ $# -gt 3 ] || [ "${3:-mixed}" != mixed ]; then
    echo "usage: $0 N DIR [mixed]" >&2
    exit 2
fi
n=$1
dir=$2
mixed=${3:-}
case $n in
'' | *[!0-9]*)
    echo "$0: N must be a whole number, not '$n'" >&2
    exit 2
    ;;
esac
mkdir -p "$dir"

cat >"$dir/sellers.csv" <<'CSV'
seller_id,name,address_line1,postal_code,city,country,tax_id,email,iban,time_zone,tax_code
large,Large Data GmbH,Musterstraße 1,10115,Berlin,DE,DE000000000,billing@example.com,DE89370400440532013000,Europe/Berlin,standard
CSV
cat >"$dir/tax_rates.csv" <<'CSV'
seller_id,tax_code,valid_from,category,rate,name
large,standard,2021-01-01,S,19,VAT 19 %
large,reduced,2021-01-01,S,7,VAT 7 %
CSV

if [ -n "$mixed" ]; then
    cat >"$dir/plans.csv" <<'CSV'
plan_id,valid_from,name,currency
basic,2026-01-01,Basic,EUR
CSV
    cat >"$dir/plan_items.csv" <<'CSV'
plan_id,version,item_id,description,price_model,unit,unit_price
basic,2026-01-01,base,Base service,flat,,49.00
basic,2026-01-01,mail,Mailboxes,graduated,mailbox,
CSV
    cat >"$dir/plan_tiers.csv" <<'CSV'
plan_id,version,item_id,up_to,unit_price
basic,2026-01-01,mail,10,3.00
basic,2026-01-01,mail,,2.40
CSV
fi

LC_ALL=C awk -v n="$n" -v dir="$dir" -v mixed="$mixed" 'BEGIN {
    companies = dir "/companies.csv"; contracts = dir "/contracts.csv"; items = dir "/contract_items.csv"
    print "company_id,name,address_line1,postal_code,city,country,email" > companies
    print "company_id,contract_id,seller_id,currency,cadence,timing,anchor_day,start" > contracts
    if (mixed) {
        columns = ",tax_code,package_size,included,meter"
        tiers = dir "/price_tiers.csv"; discounts = dir "/discounts.csv"; usage = dir "/usage.csv"; plans = dir "/contract_plans.csv"
        print "company_id,contract_id,item_id,valid_from,up_to,unit_price,flat_fee" > tiers
        print "company_id,contract_id,discount_id,percent,amount,periods,description" > discounts
        print "company_id,usage_key,contract_id,meter,used_on,quantity" > usage
        print "company_id,contract_id,valid_from,plan_id,version" > plans
    }
    print "company_id,contract_id,item_id,valid_from,description,price_model,quantity,unit,unit_price" columns > items
    done = 0
    for (c = 1; done < n; c++) {
        company = sprintf("C%08d", c)
        printf "%s,Company %08d GmbH,Musterstraße %d,%05d,Berlin,DE,c%d@example.com\n", company, c, c % 200 + 1, 10000 + c % 4000, c > companies
        for (k = 1; k <= (c % 10 == 0 ? 2 : 1) && done < n; k++) {
            done++
            head = sprintf("%s,K%d", company, k)
            if (mixed) { mix(c, k, company, head); continue }
            printf "%s,large,EUR,monthly,advance,1,2026-10-01\n", head > contracts
            printf "%s,1,2026-10-01,Workplace support,per_unit,%d,seat,%d.%02d\n", head, c % 40 + 1, 20 + c % 30, c * 7 % 100 > items
            printf "%s,2,2026-10-01,Server monitoring,flat,1,,%d.00\n", head, 100 + c % 150 > items
            printf "%s,3,2026-10-01,Requests,per_unit,%d,request,0.000%d\n", head, c * 37 % 100000, c % 900 + 100 > items
        }
    }
}
# One contract of mixed models: three items, and what goes with them.
function mix(c, k, company, head,    start, used, n) {
    used = c % 10 == 3
    start = used ? "2026-09-01" : "2026-10-01"
    printf "%s,large,EUR,monthly,%s,1,%s\n", head, used ? "arrears" : "advance", start > contracts
    printf "%s,1,%s,Workplace support,graduated,%d,seat,,,,,\n", head, start, c % 140 + 1 > items
    for (n = 1; n <= 4; n++)
        printf "%s,1,%s,%s,%d.%02d,%s\n", head, start, n < 4 ? n * n * 10 : "", 50 - n * 5, c * 7 % 100, n == 4 ? "25.00" : "" > tiers
    if (c % 3) {
        printf "%s,2,%s,Backup,volume,%d.5,GB,,,,,\n", head, start, c * 13 % 3000 > items
        printf "%s,2,%s,500,0.0%d,\n%s,2,%s,,0.03,10\n", head, start, 400 + c % 90, head, start > tiers
    } else
        printf "%s,2,%s,Training material,flat,1,,%d.00,reduced,,,\n", head, start, 100 + c % 150 > items
    if (used) {
        printf "%s,3,%s,Requests,per_unit,1,request,0.000%d,,,1000,api\n", head, start, c % 900 + 100 > items
        for (n = 1; n <= 3; n++) printf "%s,%d/K%d,K%d,api,2026-09-%02d,%d\n", company, n, k, k, n * 9, c * n * 37 % 100000 > usage
    } else
        printf "%s,3,%s,Support hours,package,%d,hour,95.00,,5,2,\n", head, start, c % 30 + 1 > items
    if (c % 5 == 0) printf "%s,,basic,2026-01-01\n", head > plans
    if (c % 4 == 0) printf "%s,off,%s,%s,,Discount\n", head, c % 8 ? "12.5" : "", c % 8 ? "" : "20" > discounts
}'
