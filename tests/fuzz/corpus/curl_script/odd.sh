#all LC file links#!/bin/sh
curl -C - -L -o tess2018292095939-s0004-1-1-0124-s_ffic.fits https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/tess2018292095939-s0004-1-1-0124-s_ffic.fits
curl -o ../x http://h/x
curl -C - -L -o tess2018292095939-s0004-1-1-0124-s_ffic.fits https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/tess2018292095939-s0004-1-1-0124-s_ffic.fits