#!/bin/sh
# Writes a data set of N contracts with three items each into DIR: about one company per contract
# (every tenth company has two), monthly in advance from 2026-10-01, one seller, EUR, German VAT.
# The same N always gives the same bytes. 1,000,000 contracts take a few seconds and 320 MB.
#
# Usage: examples/large.sh 100000 /tmp/large && finops import /tmp/large
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 N DIR" >&2
    exit 2
fi
n=$1
dir=$2
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
CSV

LC_ALL=C awk -v n="$n" -v dir="$dir" 'BEGIN {
    companies = dir "/companies.csv"; contracts = dir "/contracts.csv"; items = dir "/contract_items.csv"
    print "company_id,name,address_line1,postal_code,city,country,email" > companies
    print "company_id,contract_id,seller_id,currency,cadence,timing,anchor_day,start" > contracts
    print "company_id,contract_id,item_id,valid_from,description,price_model,quantity,unit,unit_price" > items
    done = 0
    for (c = 1; done < n; c++) {
        company = sprintf("C%08d", c)
        printf "%s,Company %08d GmbH,Musterstraße %d,%05d,Berlin,DE,c%d@example.com\n", company, c, c % 200 + 1, 10000 + c % 4000, c > companies
        for (k = 1; k <= (c % 10 == 0 ? 2 : 1) && done < n; k++) {
            done++
            head = sprintf("%s,K%d", company, k)
            printf "%s,large,EUR,monthly,advance,1,2026-10-01\n", head > contracts
            printf "%s,1,2026-10-01,Workplace support,per_unit,%d,seat,%d.%02d\n", head, c % 40 + 1, 20 + c % 30, c * 7 % 100 > items
            printf "%s,2,2026-10-01,Server monitoring,flat,1,,%d.00\n", head, 100 + c % 150 > items
            printf "%s,3,2026-10-01,Requests,per_unit,%d,request,0.000%d\n", head, c * 37 % 100000, c % 900 + 100 > items
        }
    }
}'
