"""Datasets in, decoded samples out.

adapters     one file per published dataset, and annotations given in the app
folder       the project's own dataset folder (images.csv, boxes.csv)
sources      which adapter reads what a data argument names
sample       one image and what is known of it
contents     what an adapter hands over: samples, and what was left out
states       what is known of many images as one table
tables       what adapters share in reading tables, images and boxes
masks        masks to outlines
reports      the parts of a report that describe the image
split        patients held out
loaded       images decoded into memory
image_cache  decoded images kept on disk
checks       what is wrong with recipe and data together, found before the first step
"""
